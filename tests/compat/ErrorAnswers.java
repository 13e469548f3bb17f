// What does Apache Kafka answer to a request that it refuses as a whole? Its own request classes say it.
//     java -cp CLASSPATH ErrorAnswers.java
// A line of standard input is "API key, version, error code, the request's body in hexadecimal digits". The answer is a
// line with the body of the answer in the same digits, or "none" where the API has no such answer.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;

public class ErrorAnswers {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", -1);
            short version = Short.parseShort(words[1]);
            ByteBufferAccessor body = new ByteBufferAccessor(ByteBuffer.wrap(HexFormat.of().parseHex(words[3])));
            AbstractResponse answer;
            try {
                AbstractRequest request =
                    AbstractRequest.parseRequest(ApiKeys.forId(Integer.parseInt(words[0])), version, body).request;
                answer = request.getErrorResponse(0, Errors.forCode(Short.parseShort(words[2])).exception());
            } catch (RuntimeException failed) {
                System.out.println("none: " + failed);
                continue;
            }
            if (answer == null) {
                System.out.println("none");
                continue;
            }
            ByteBuffer bytes = MessageUtil.toByteBufferAccessor(answer.data(), version).buffer();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            System.out.println(HexFormat.of().formatHex(copy));
        }
    }
}
