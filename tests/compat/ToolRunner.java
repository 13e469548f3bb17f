// Run Apache Kafka's command line tools one after the other in one JVM: starting one for each takes seconds.
//     java --add-opens=java.base/java.lang=ALL-UNNAMED -cp CLASSPATH ToolRunner.java
// A line of standard input is a class, what it is to read (in base64) and its arguments, parted by unit separators
// (0x1f). The answer is a line "exit code, bytes of standard output, bytes of standard error", and then those bytes.
//
// A tool that ends the JVM gets an exception instead. Its shutdown hooks run before, as some tools do half of their work
// there; what it says after, when it has caught that exception, is not heard.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Deque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.apache.kafka.common.utils.Exit;

public class ToolRunner {
    private static final Deque<Runnable> HOOKS = new ConcurrentLinkedDeque<>();
    private static final Set<Thread> OWN = new HashSet<>(jvmHooks().keySet());
    private static volatile Integer exitCode;

    private static class Ended extends RuntimeException {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        PrintStream errors = System.err;
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setHaltProcedure((code, message) -> end(code));
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.push(hook));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\u001f", -1);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            System.setIn(new ByteArrayInputStream(Base64.getDecoder().decode(words[1])));
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            int code = run(words[0], Arrays.copyOfRange(words, 2, words.length));
            System.setOut(answers);
            System.setErr(errors);
            answers.println(code + " " + out.size() + " " + err.size());
            out.writeTo(answers);
            err.writeTo(answers);
            answers.flush();
        }
        // A tool may have left threads behind.
        Runtime.getRuntime().halt(0);
    }

    private static int run(String name, String[] arguments) throws Exception {
        exitCode = null;
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException thrown) {
            if (exitCode == null) {
                System.err.println(thrown.getCause());
                exitCode = 1;
            }
        }
        runHooks();
        return exitCode == null ? 0 : exitCode;
    }

    private static void end(int code) {
        if (exitCode == null) {
            exitCode = code;
            runHooks();
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        }
        throw new Ended();
    }

    private static void runHooks() {
        for (Runnable hook = HOOKS.poll(); hook != null; hook = HOOKS.poll()) {
            hook.run();
        }
        // Some tools ask the JVM itself to run theirs.
        for (Thread hook : new ArrayList<>(jvmHooks().keySet())) {
            if (!OWN.contains(hook)) {
                Runtime.getRuntime().removeShutdownHook(hook);
                hook.run();
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<Thread, Thread> jvmHooks() {
        try {
            Field hooks = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
            hooks.setAccessible(true);
            return (Map<Thread, Thread>) hooks.get(null);
        } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException(failed);
        }
    }
}
