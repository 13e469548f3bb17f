// What does this release of Apache Kafka know of configs? Run by generate_config_tables.py with Kafka's class path:
//     java -cp CLASSPATH ConfigFacts.java
// A line each: kind, name, type, default, what is valid, importance, scope or the broker's name for it.

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.DynamicConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

public class ConfigFacts {
    private static final Map<String, String> MODES = DynamicBrokerConfig.dynamicConfigUpdateModes();

    public static void main(String[] arguments) {
        Map<String, ConfigDef.ConfigKey> broker = AbstractKafkaConfig.CONFIG_DEF.configKeys();
        new TreeMap<>(broker).values().forEach(key -> print("broker", key, scope(key)));
        Map<String, ConfigDef.ConfigKey> dynamic = new TreeMap<>(DynamicConfig.Broker.configKeys());
        dynamic.keySet().removeAll(broker.keySet());
        dynamic.values().forEach(key -> print("broker", key, "unlisted"));
        Map<String, String> synonyms = ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS;
        new TreeMap<>(LogConfig.configDefCopy().configKeys()).values().stream()
            .filter(key -> !key.internalConfig)
            .forEach(key -> print("topic", key, synonyms.getOrDefault(key.name, "")));
        new TreeMap<>(GroupConfig.CONFIG_DEF.configKeys()).values()
            .forEach(key -> print("group", key, GroupConfig.brokerSynonym(key.name).orElse("")));
        new TreeMap<>(ClientMetricsConfigs.configDef().configKeys()).values()
            .forEach(key -> print("client_metrics", key, ""));
    }

    private static String scope(ConfigDef.ConfigKey key) {
        return key.internalConfig ? "internal" : MODES.getOrDefault(key.name, "read-only");
    }

    private static void print(String kind, ConfigDef.ConfigKey key, String last) {
        String value = key.hasDefault() ? String.valueOf(ConfigDef.convertToString(key.defaultValue, key.type)) : "null";
        String valid = key.validator == null ? "" : key.validator.toString();
        System.out.println(
            String.join("\t", kind, key.name, key.type.name(), value, valid, key.importance.name(), last));
    }
}
