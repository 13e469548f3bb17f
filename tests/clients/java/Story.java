// One story told by Apache Kafka's Java clients: what a user of theirs would notice, as one line of JSON.
//
//     java -cp CLASSPATH:FOLDER Story exchange|transaction|admin BOOTSTRAP NAME [classic|consumer]
//
// Every wait has a deadline; what goes wrong ends the program with a trace and a code other than 0.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Story {
    private static final long WAIT_MS = 60_000;
    private static final int PARTITIONS = 3;

    private final String bootstrap;
    private final String name;
    private final String protocol;
    private final Map<String, Object> told = new LinkedHashMap<>();

    private Story(String bootstrap, String name, String protocol) {
        this.bootstrap = bootstrap;
        this.name = name;
        this.protocol = protocol;
    }

    public static void main(String[] args) throws Exception {
        Story story = new Story(args[1], args[2], args.length > 3 ? args[3] : "classic");
        switch (args[0]) {
            case "exchange" -> story.exchange();
            case "transaction" -> story.transaction();
            case "admin" -> story.admin();
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.println(json(story.told));
    }

    // --- a producer and a group -------------------------------------------------------------------------------

    private void exchange() throws Exception {
        try (Admin admin = newAdmin()) {
            create(admin);
            produce(0, 300, null);
            told.put("first", read(300, "read_uncommitted"));
            produce(300, 330, null);
            told.put("second", read(30, "read_uncommitted"));
            told.put("ends", sum(offsets(admin, OffsetSpec.latest())));
            told.put("group", admin.listGroups().all().get().stream()
                .filter(group -> group.groupId().equals(name))
                .map(group -> group.type().get() + " " + group.groupState().get()).findFirst().orElse("missing"));
            await(admin.deleteTopics(List.of(name)).all());
        }
    }

    private Map<String, Object> read(int wanted, String isolation) {
        Properties config = base();
        config.put("group.id", name);
        config.put("group.protocol", protocol);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("isolation.level", isolation);
        Set<String> keys = new TreeSet<>();
        int count = 0;
        int headers = 0;
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(name));
            long until = System.currentTimeMillis() + WAIT_MS;
            while (count < wanted && System.currentTimeMillis() < until) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    count++;
                    keys.add(record.key());
                    headers += record.headers().lastHeader("h") != null ? 1 : 0;
                }
            }
            // Whatever else there is must not come.
            count += consumer.poll(Duration.ofMillis(500)).count();
            consumer.commitSync();
        }
        Map<String, Object> read = new LinkedHashMap<>();
        read.put("records", count);
        read.put("keys", keys.size());
        read.put("headers", headers);
        return read;
    }

    private void produce(int from, int to, String transactionalId) {
        try (KafkaProducer<String, String> producer = newProducer(transactionalId)) {
            for (int number = from; number < to; number++) {
                producer.send(record(number));
            }
            producer.flush();
        }
    }

    private ProducerRecord<String, String> record(int number) {
        ProducerRecord<String, String> record = new ProducerRecord<>(name, "k" + number, "v" + number);
        record.headers().add("h", "1".getBytes(StandardCharsets.UTF_8));
        return record;
    }

    // --- transactions -----------------------------------------------------------------------------------------

    private void transaction() throws Exception {
        try (Admin admin = newAdmin()) {
            create(admin);
            try (KafkaProducer<String, String> producer = newProducer(name + "-id")) {
                producer.initTransactions();
                producer.beginTransaction();
                send(producer, 0, 50);
                producer.commitTransaction();
                producer.beginTransaction();
                send(producer, 50, 100);
                producer.abortTransaction();
                producer.beginTransaction();
                send(producer, 100, 120);
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                offsets.put(new TopicPartition(name, 0), new OffsetAndMetadata(7));
                producer.sendOffsetsToTransaction(
                    offsets, new org.apache.kafka.clients.consumer.ConsumerGroupMetadata(name + "-offsets"));
                producer.commitTransaction();
            }
            told.put("fenced", isFenced());
            told.put("committed", read(70, "read_committed"));
            told.put("offset", admin.listConsumerGroupOffsets(name + "-offsets")
                .partitionsToOffsetAndMetadata().get().get(new TopicPartition(name, 0)).offset());
            await(admin.deleteTopics(List.of(name)).all());
        }
    }

    private boolean isFenced() {
        try (KafkaProducer<String, String> older = newProducer(name + "-fence");
                KafkaProducer<String, String> newer = newProducer(name + "-fence")) {
            older.initTransactions();
            newer.initTransactions();
            try {
                older.beginTransaction();
                older.send(record(900));
                older.commitTransaction();
                return false;
            } catch (org.apache.kafka.common.KafkaException expected) {
                return true;
            }
        }
    }

    private void send(KafkaProducer<String, String> producer, int from, int to) throws Exception {
        for (int number = from; number < to; number++) {
            producer.send(record(number)).get(WAIT_MS, TimeUnit.MILLISECONDS);
        }
    }

    // --- administration ---------------------------------------------------------------------------------------

    private void admin() throws Exception {
        try (Admin admin = newAdmin()) {
            create(admin);
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, name);
            told.put("partitions", describe(admin).partitions().size());
            told.put("topic_id", !describe(admin).topicId().toString().isEmpty());
            await(admin.incrementalAlterConfigs(Map.of(topic, List.of(
                new AlterConfigOp(new ConfigEntry("retention.ms", "86400000"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all());
            until(() -> config(admin, topic, "retention.ms").equals("86400000"));
            told.put("cleanup.policy", config(admin, topic, "cleanup.policy"));
            told.put("configs", admin.describeConfigs(List.of(topic)).all().get().get(topic).entries().size());
            await(admin.createPartitions(Map.of(name, NewPartitions.increaseTo(PARTITIONS + 2))).all());
            until(() -> describe(admin).partitions().size() == PARTITIONS + 2);
            produce(0, 100, null);
            told.put("latest", sum(offsets(admin, OffsetSpec.latest())));
            TopicPartition first = fullest(admin);
            long end = offsets(admin, OffsetSpec.latest()).get(first).offset();
            told.put("deleted_to_end", await(admin.deleteRecords(
                Map.of(first, RecordsToDelete.beforeOffset(-1))).lowWatermarks().get(first)).lowWatermark() == end);
            told.put("max_timestamp_found", offsets(admin, OffsetSpec.maxTimestamp()).values().stream()
                .filter(info -> info.offset() >= 0).count() > 0);
            read(1, "read_uncommitted");
            told.put("state", admin.describeConsumerGroups(List.of(name)).all().get().get(name).groupState().toString());
            await(admin.alterConsumerGroupOffsets(name, Map.of(first, new OffsetAndMetadata(1))).all());
            told.put("altered", admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get()
                .get(first).offset());
            await(admin.deleteConsumerGroupOffsets(name, Set.of(first)).all());
            told.put("offset_gone", admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get()
                .get(first) == null);
            await(admin.deleteConsumerGroups(List.of(name)).all());
            told.put("groups", admin.listGroups().all().get().stream()
                .filter(group -> group.groupId().equals(name)).count());
            Map<String, FinalizedVersionRange> features =
                admin.describeFeatures().featureMetadata().get().finalizedFeatures();
            told.put("features", List.of("metadata.version", "group.version", "transaction.version").stream()
                .map(feature -> String.valueOf(features.get(feature).maxVersionLevel()))
                .collect(Collectors.joining(" ")));
            told.put("nodes", admin.describeCluster().nodes().get().size());
            told.put("log_dirs", admin.describeLogDirs(List.of(broker(admin))).allDescriptions().get().size());
            told.put("reassignments", admin.listPartitionReassignments().reassignments().get().size());
            told.put("producers", admin.describeProducers(List.of(first)).partitionResult(first).get() != null);
            told.put("elect", error(() -> admin.electLeaders(
                org.apache.kafka.common.ElectionType.PREFERRED, Set.of(first)).partitions().get()
                .get(first).orElseThrow()));
            told.put("missing", error(() -> await(admin.describeTopics(List.of(name + "-no")).allTopicNames())));
            told.put("exists", error(() -> await(admin.createTopics(List.of(newTopic())).all())));
            told.put("bad_config", error(() -> await(admin.createTopics(List.of(
                new NewTopic(name + "-bad", 1, (short) 1).configs(Map.of("retention.ms", "soon")))).all())));
            told.put("replicas", error(() -> await(admin.createTopics(List.of(
                new NewTopic(name + "-many", 1, (short) 9))).all())));
            told.put("acls", error(() -> await(admin.describeAcls(
                org.apache.kafka.common.acl.AclBindingFilter.ANY).values())));
            await(admin.deleteTopics(List.of(name)).all());
            until(() -> !admin.listTopics().names().get().contains(name));
        }
    }

    private int broker(Admin admin) throws Exception {
        return admin.describeCluster().nodes().get().iterator().next().id();
    }

    private TopicDescription describe(Admin admin) throws Exception {
        return admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
    }

    private String config(Admin admin, ConfigResource resource, String key) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(key).value();
    }

    private TopicPartition fullest(Admin admin) throws Exception {
        return offsets(admin, OffsetSpec.latest()).entrySet().stream()
            .max((one, other) -> Long.compare(one.getValue().offset(), other.getValue().offset()))
            .orElseThrow().getKey();
    }

    private Map<TopicPartition, ListOffsetsResultInfo> offsets(Admin admin, OffsetSpec spec) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = describe(admin).partitions().stream()
            .collect(Collectors.toMap(part -> new TopicPartition(name, part.partition()), part -> spec));
        return admin.listOffsets(asked).all().get();
    }

    private static long sum(Map<TopicPartition, ListOffsetsResultInfo> offsets) {
        return offsets.values().stream().mapToLong(ListOffsetsResultInfo::offset).sum();
    }

    // --- what all stories need --------------------------------------------------------------------------------

    private void create(Admin admin) throws Exception {
        await(admin.createTopics(List.of(newTopic())).all());
        until(() -> admin.listTopics().names().get().contains(name));
    }

    private NewTopic newTopic() {
        return new NewTopic(name, Optional.of(PARTITIONS), Optional.empty());
    }

    private Admin newAdmin() {
        return Admin.create(base());
    }

    private KafkaProducer<String, String> newProducer(String transactionalId) {
        Properties config = base();
        config.put("acks", "all");
        config.put("enable.idempotence", "true");
        config.put("compression.type", "gzip");
        if (transactionalId != null) {
            config.put("transactional.id", transactionalId);
        }
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private Properties base() {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("default.api.timeout.ms", String.valueOf(WAIT_MS));
        return config;
    }

    private static <T> T await(KafkaFuture<T> future) throws Exception {
        return future.get(WAIT_MS, TimeUnit.MILLISECONDS);
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    private static void until(Check check) throws Exception {
        long until = System.currentTimeMillis() + WAIT_MS;
        while (true) {
            try {
                if (check.holds()) {
                    return;
                }
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof org.apache.kafka.common.errors.UnknownTopicOrPartitionException)) {
                    throw error;
                }
            }
            if (System.currentTimeMillis() > until) {
                throw new IllegalStateException("it never held");
            }
            Thread.sleep(50);
        }
    }

    private interface Attempt {
        Object make() throws Exception;
    }

    /** Return the simple name of the error that an attempt ends with, or what it returned. */
    private static String error(Attempt attempt) throws Exception {
        try {
            Object made = attempt.make();
            return made instanceof Throwable thrown ? thrown.getClass().getSimpleName() : "none";
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        }
    }

    @SuppressWarnings("unchecked")
    private static String json(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> parts = new ArrayList<>();
            ((Map<String, Object>) map).forEach((key, each) -> parts.add('"' + key + "\": " + json(each)));
            return "{" + String.join(", ", parts) + "}";
        }
        return value instanceof Number || value instanceof Boolean ? value.toString() : '"' + value.toString() + '"';
    }
}
