// Apache Commons Net, which most batch jobs in Java speak FTPS with: says what it is told to do, a command an argument.

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.TreeMap;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPFile;
import org.apache.commons.net.ftp.FTPSClient;
import org.apache.commons.net.util.TrustManagerUtils;

public class Batch {
    public static void main(String[] arguments) throws Exception {
        String[] door = arguments[0].split(":");
        FTPSClient ftp = new FTPSClient(door[0].equals("implicit"));
        ftp.setTrustManager(TrustManagerUtils.getAcceptAllTrustManager());
        ftp.setConnectTimeout(20_000);
        ftp.setDataTimeout(java.time.Duration.ofSeconds(20));
        ftp.connect("127.0.0.1", Integer.parseInt(door[1]));
        if (!ftp.login(arguments[1], arguments[2])) {
            System.out.println("refused login " + ftp.getReplyString().trim());
            System.exit(1);
        }
        ftp.execPBSZ(0);
        ftp.execPROT("P");
        ftp.setFileType(FTP.BINARY_FILE_TYPE);
        ftp.enterLocalPassiveMode();
        for (int at = 3; at < arguments.length; at++) {
            String[] words = arguments[at].split(" ");
            if (!run(ftp, words)) {
                System.out.println("refused " + words[0] + " " + ftp.getReplyString().trim());
            }
        }
        ftp.logout();
    }

    private static boolean run(FTPSClient ftp, String[] words) throws IOException {
        switch (words[0]) {
            case "put", "reput", "append" -> {
                try (FileInputStream file = new FileInputStream(words[1])) {
                    if (words[0].equals("put")) {
                        return ftp.storeFile(words[2], file);
                    }
                    long from = Long.parseLong(ftp.getSize(words[2]));
                    file.skipNBytes(from);
                    if (words[0].equals("append")) {
                        return ftp.appendFile(words[2], file);
                    }
                    ftp.setRestartOffset(from);
                    return ftp.storeFile(words[2], file);
                }
            }
            case "get", "reget" -> {
                try (FileOutputStream file = new FileOutputStream(words[2], words[0].equals("reget"))) {
                    ftp.setRestartOffset(file.getChannel().size());
                    return ftp.retrieveFile(words[1], file);
                }
            }
            case "rename" -> {
                return ftp.rename(words[1], words[2]);
            }
            case "rm" -> {
                return ftp.deleteFile(words[1]);
            }
            case "mkdir" -> {
                return ftp.makeDirectory(words[1]);
            }
            case "ls", "mlsd" -> {
                TreeMap<String, Long> sizes = new TreeMap<>();
                for (FTPFile file : words[0].equals("ls") ? ftp.listFiles(words[1]) : ftp.mlistDir(words[1])) {
                    sizes.put(file.getName(), file.getSize());
                }
                System.out.println(words[0] + " " + sizes);
                return true;
            }
            default -> throw new IllegalArgumentException(words[0]);
        }
    }
}
