package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// saramaStory drives a broker with sarama: an idempotent producer, a group, a transaction and the admin calls.
func saramaStory(bootstrap, name string) (map[string]any, error) {
	brokers := []string{bootstrap}
	admin, err := sarama.NewClusterAdmin(brokers, saramaConfig())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if err := admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false); err != nil {
		return nil, err
	}
	if err := saramaProduce(brokers, name, 0, 300); err != nil {
		return nil, err
	}
	first, err := saramaRead(brokers, name, 300)
	if err != nil {
		return nil, err
	}
	if err := saramaProduce(brokers, name, 300, 330); err != nil {
		return nil, err
	}
	second, err := saramaRead(brokers, name, 30)
	if err != nil {
		return nil, err
	}
	if err := saramaTransact(brokers, name); err != nil {
		return nil, err
	}
	committed, err := saramaRead(brokers, name, 20)
	if err != nil {
		return nil, err
	}
	groups, err := admin.DescribeConsumerGroups([]string{name})
	if err != nil {
		return nil, err
	}
	apis, err := saramaApis(brokers[0])
	if err != nil {
		return nil, err
	}
	configs, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: name})
	if err != nil {
		return nil, err
	}
	if err := admin.DeleteTopic(name); err != nil {
		return nil, err
	}
	return map[string]any{
		"first": first, "second": second, "committed": committed, "state": groups[0].State,
		"has_configs": len(configs) > 0, "apis": apis,
	}, nil
}

// saramaApis returns how many APIs the client is told of: with the newest release that it knows it uses their newest versions.
func saramaApis(bootstrap string) (int, error) {
	broker := sarama.NewBroker(bootstrap)
	if err := broker.Open(saramaConfig()); err != nil {
		return 0, err
	}
	defer broker.Close()
	answer, err := broker.ApiVersions(&sarama.ApiVersionsRequest{
		Version: 3, ClientSoftwareName: "sarama", ClientSoftwareVersion: "1",
	})
	if err != nil {
		return 0, err
	}
	return len(answer.ApiKeys), nil
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	return config
}

func saramaProducer(brokers []string, id string) (sarama.SyncProducer, error) {
	config := saramaConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Idempotent = true
	config.Producer.Compression = sarama.CompressionGZIP
	config.Net.MaxOpenRequests = 1
	config.Producer.Transaction.ID = id
	return sarama.NewSyncProducer(brokers, config)
}

func saramaMessage(name string, number int) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{
		Topic: name, Key: sarama.StringEncoder(fmt.Sprintf("k%d", number)),
		Value:   sarama.StringEncoder(fmt.Sprintf("v%d", number)),
		Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}},
	}
}

func saramaSend(producer sarama.SyncProducer, name string, from, to int) error {
	batch := []*sarama.ProducerMessage{}
	for number := from; number < to; number++ {
		batch = append(batch, saramaMessage(name, number))
	}
	return producer.SendMessages(batch)
}

func saramaProduce(brokers []string, name string, from, to int) error {
	producer, err := saramaProducer(brokers, "")
	if err != nil {
		return err
	}
	defer producer.Close()
	return saramaSend(producer, name, from, to)
}

func saramaTransact(brokers []string, name string) error {
	producer, err := saramaProducer(brokers, name+"-id")
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	if err := saramaSend(producer, name, 330, 350); err != nil {
		return err
	}
	if err := producer.CommitTxn(); err != nil {
		return err
	}
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	if err := saramaSend(producer, name, 350, 360); err != nil {
		return err
	}
	return producer.AbortTxn()
}

// reader is a group's member that stops when it has seen enough.
type reader struct {
	wanted int
	told   read
	keys   map[string]bool
	done   context.CancelFunc
	claims chan *sarama.ConsumerMessage
}

func (*reader) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup commits what was marked: a commit for each message takes a sixth of a second.
func (*reader) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

// ConsumeClaim hands on what comes, and marks it.
func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			r.claims <- message
		case <-session.Context().Done():
			return nil
		}
	}
}

func saramaRead(brokers []string, name string, wanted int) (read, error) {
	group, err := sarama.NewConsumerGroup(brokers, name, saramaConfig())
	if err != nil {
		return read{}, err
	}
	defer group.Close()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	r := &reader{wanted: wanted, keys: map[string]bool{}, done: cancel, claims: make(chan *sarama.ConsumerMessage)}
	ended := make(chan error, 1)
	go func() { ended <- group.Consume(ctx, []string{name}, r) }()
	// Whatever else there is must not come for a while.
	quiet := time.NewTimer(wait)
	for {
		select {
		case message := <-r.claims:
			r.told.Records++
			r.told.Headers += len(message.Headers)
			r.keys[string(message.Key)] = true
			if r.told.Records >= wanted {
				quiet.Reset(500 * time.Millisecond)
			}
		case <-quiet.C:
			cancel()
		case err := <-ended:
			r.told.Keys = len(r.keys)
			if err != nil && !errors.Is(err, context.Canceled) {
				return r.told, err
			}
			return r.told, nil
		}
	}
}
