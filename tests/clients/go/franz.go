package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// franz drives a broker with franz-go: an idempotent producer, a group, a transaction and the admin calls.
func franz(bootstrap, name string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*wait)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 3, -1, nil, name); err != nil {
		return nil, err
	}
	guess, err := release(ctx, client)
	if err != nil {
		return nil, err
	}
	if err := franzProduce(ctx, bootstrap, name, 0, 300); err != nil {
		return nil, err
	}
	first, err := franzRead(ctx, bootstrap, name, 300)
	if err != nil {
		return nil, err
	}
	if err := franzProduce(ctx, bootstrap, name, 300, 330); err != nil {
		return nil, err
	}
	second, err := franzRead(ctx, bootstrap, name, 30)
	if err != nil {
		return nil, err
	}
	if err := franzTransact(ctx, bootstrap, name); err != nil {
		return nil, err
	}
	committed, err := franzRead(ctx, bootstrap, name, 20)
	if err != nil {
		return nil, err
	}
	lag, err := admin.Lag(ctx, name)
	if err != nil {
		return nil, err
	}
	group := lag[name]
	if _, err := admin.DeleteTopics(ctx, name); err != nil {
		return nil, err
	}
	return map[string]any{
		"release": guess, "first": first, "second": second, "committed": committed,
		"state": group.State, "lag": group.Lag.Total(),
	}, nil
}

// release is what the client infers from the versions that the broker advertises.
func release(ctx context.Context, client *kgo.Client) (string, error) {
	answer, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return "", err
	}
	return kversion.FromApiVersionsResponse(answer).VersionGuess(), nil
}

func record(name string, number int) *kgo.Record {
	return &kgo.Record{
		Topic: name, Key: fmt.Appendf(nil, "k%d", number), Value: fmt.Appendf(nil, "v%d", number),
		Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}},
	}
}

func franzProduce(ctx context.Context, bootstrap, name string, from, to int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(kgo.GzipCompression()))
	if err != nil {
		return err
	}
	defer client.Close()
	for number := from; number < to; number++ {
		client.Produce(ctx, record(name, number), func(_ *kgo.Record, failed error) {
			if failed != nil {
				err = failed
			}
		})
	}
	if flushed := client.Flush(ctx); flushed != nil {
		return flushed
	}
	return err
}

func franzRead(ctx context.Context, bootstrap, name string, wanted int) (read, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(name), kgo.ConsumeTopics(name), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return read{}, err
	}
	defer client.Close()
	told := read{}
	keys := map[string]bool{}
	for told.Records < wanted {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return told, err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			told.Records++
			told.Headers += len(record.Headers)
			keys[string(record.Key)] = true
		})
	}
	told.Keys = len(keys)
	return told, client.CommitUncommittedOffsets(ctx)
}

func franzTransact(ctx context.Context, bootstrap, name string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.TransactionalID(name+"-id"))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, part := range []struct {
		from, to int
		commit   kgo.TransactionEndTry
	}{{330, 350, kgo.TryCommit}, {350, 360, kgo.TryAbort}} {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		for number := part.from; number < part.to; number++ {
			if err := client.ProduceSync(ctx, record(name, number)).FirstErr(); err != nil {
				return err
			}
		}
		if err := client.EndTransaction(ctx, part.commit); err != nil {
			return err
		}
	}
	return nil
}
