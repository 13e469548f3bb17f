// One story told by kafkajs: what a user of it would notice, as one line of JSON.
//
//     node story.js BOOTSTRAP NAME
"use strict";

const { Kafka, CompressionTypes, logLevel } = require("kafkajs");

const [bootstrap, name] = process.argv.slice(2);
const WAIT_MS = 60_000;

// The highest version of each API that was asked for: what it knows, as far as the broker is known to serve it.
const asked = {};
const listen = (client) => client.on(client.events.REQUEST, ({ payload: { apiName, apiVersion } }) => {
  asked[apiName] = Math.max(asked[apiName] ?? 0, apiVersion);
});

const kafka = new Kafka({ clientId: "story", brokers: [bootstrap], logLevel: logLevel.NOTHING });

function messages(from, to) {
  return Array.from({ length: to - from }, (_, index) => ({
    key: `k${from + index}`,
    value: `v${from + index}`,
    headers: { h: "1" },
  }));
}

async function produce(from, to) {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  listen(producer);
  await producer.connect();
  await producer.send({ topic: name, compression: CompressionTypes.GZIP, messages: messages(from, to) });
  await producer.disconnect();
}

async function read(wanted) {
  const consumer = kafka.consumer({ groupId: name, sessionTimeout: 10_000 });
  listen(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  const keys = new Set();
  let records = 0;
  let headers = 0;
  let finish;
  const done = new Promise((resolve) => { finish = resolve; });
  const timer = setTimeout(finish, WAIT_MS);
  await consumer.run({
    eachMessage: async ({ message }) => {
      records += 1;
      keys.add(message.key.toString());
      headers += message.headers.h ? 1 : 0;
      if (records >= wanted) setTimeout(finish, 500); // Whatever else there is must not come.
    },
  });
  await done;
  clearTimeout(timer);
  await consumer.disconnect();
  return { records, keys: keys.size, headers };
}

async function transact() {
  const producer = kafka.producer({ transactionalId: `${name}-id`, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const kept = await producer.transaction();
  await kept.send({ topic: name, messages: messages(330, 350) });
  await kept.commit();
  const dropped = await producer.transaction();
  await dropped.send({ topic: name, messages: messages(350, 360) });
  await dropped.abort();
  await producer.disconnect();
}

async function main() {
  const admin = kafka.admin();
  listen(admin);
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: name, numPartitions: 3 }] });
  await produce(0, 300);
  const first = await read(300);
  await produce(300, 330);
  const second = await read(30);
  await transact();
  const committed = await read(20);
  const ends = await admin.fetchTopicOffsets(name);
  const offsets = await admin.fetchOffsets({ groupId: name, topics: [name] });
  const described = await admin.describeGroups([name]);
  await admin.deleteTopics({ topics: [name] });
  await admin.disconnect();
  process.stdout.write(JSON.stringify({
    first,
    second,
    committed,
    partitions: ends.length,
    committed_partitions: offsets[0].partitions.filter((part) => part.offset !== "-1").length,
    state: described.groups[0].state,
    asked,
  }) + "\n");
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
