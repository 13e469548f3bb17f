"""Which decoders read the keys and the values of a topic? Those that a context's rules name, else nobody chose any."""

from kcon.contexts.rules import Rules
from kcon.plugin_api.decoding import Part
from kcon.services.decoding import DEFAULT_CHAIN, DecoderChain, LoadedPlugins, load_plugins


class TopicDecoders:
    """The chains of a context's topics, each made once. Any thread, one at a time."""

    def __init__(self, rules: Rules, plugins: LoadedPlugins | None = None) -> None:
        self._rules = rules
        self._plugins = plugins or load_plugins()
        self._chains: dict[tuple[str, Part], DecoderChain | None] = {}
        self._default: DecoderChain | None = None

    def chosen(self, topic: str, part: Part) -> DecoderChain | None:
        """Return the chain that a rule names, by the raw name of the topic; None: no rule does.

        UsageError: a rule names a decoder that there is not.
        """
        key = (topic, part)
        if key not in self._chains:
            self._chains[key] = self._of_rule(topic, part)
        return self._chains[key]

    def chain(self, topic: str, part: Part) -> DecoderChain:
        """Return the chain that a rule names, or json, text, hex. UsageError as above."""
        found = self.chosen(topic, part)
        if found is None:
            self._default = found = self._default or DecoderChain.of_names(DEFAULT_CHAIN, self._plugins)
        return found

    def _of_rule(self, topic: str, part: Part) -> DecoderChain | None:
        rule = self._rules.serde_for(topic)
        if rule is None:
            return None
        name = rule.key if part is Part.KEY else rule.value
        if name is None and not rule.fallback:
            return None
        names = [*([] if name is None else [name]), *(rule.fallback or DEFAULT_CHAIN)]
        return DecoderChain.of_names(list(dict.fromkeys(names)), self._plugins)
