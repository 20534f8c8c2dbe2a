// Uploads a large body again and again; prints how many responses had the status 401.
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;

public class Upload {
    public static void main(String[] arguments) throws Exception {
        byte[] body = new byte[Integer.parseInt(arguments[1])];
        int got = 0;
        for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
            HttpURLConnection connection =
                (HttpURLConnection) URI.create(arguments[0]).toURL().openConnection();
            connection.setRequestMethod("POST");
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            try {
                OutputStream out = connection.getOutputStream();
                out.write(body);
                out.close();
                if (connection.getResponseCode() == 401) got++;
            } catch (java.io.IOException error) {
                System.err.println(error);
            }
        }
        System.out.println(got);
    }
}
