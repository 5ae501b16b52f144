// JSch 0.1, which ERP systems of ten years ago have inside: says what it is told to do, a command an argument.

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.SftpException;
import java.util.TreeSet;

public class OldErp {
    public static void main(String[] arguments) throws Exception {
        JSch jsch = new JSch();
        String secret = arguments[2];
        if (secret.startsWith("key:")) {
            jsch.addIdentity(secret.substring(4));
        }
        Session session = jsch.getSession(arguments[1], "127.0.0.1", Integer.parseInt(arguments[0]));
        if (!secret.startsWith("key:")) {
            session.setPassword(secret);
        }
        session.setConfig("StrictHostKeyChecking", "no");
        session.connect(20_000);
        ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
        sftp.connect(20_000);
        for (int at = 3; at < arguments.length; at++) {
            String[] words = arguments[at].split(" ");
            try {
                run(sftp, words);
            } catch (SftpException error) {
                System.out.println("refused " + words[0] + " " + error.id + " " + error.getMessage());
            }
        }
        session.disconnect();
    }

    private static void run(ChannelSftp sftp, String[] words) throws SftpException {
        switch (words[0]) {
            case "put" -> sftp.put(words[1], words[2]);
            case "reput" -> sftp.put(words[1], words[2], null, ChannelSftp.RESUME);
            case "get" -> sftp.get(words[1], words[2]);
            case "reget" -> sftp.get(words[1], words[2], null, ChannelSftp.RESUME);
            case "rename" -> sftp.rename(words[1], words[2]);
            case "rm" -> sftp.rm(words[1]);
            case "mkdir" -> sftp.mkdir(words[1]);
            case "size" -> System.out.println("size " + sftp.stat(words[1]).getSize());
            case "ls" -> {
                TreeSet<String> names = new TreeSet<>();
                for (Object entry : sftp.ls(words[1])) {
                    names.add(((ChannelSftp.LsEntry) entry).getFilename());
                }
                System.out.println("ls " + names);
            }
            default -> throw new IllegalArgumentException(words[0]);
        }
    }
}
