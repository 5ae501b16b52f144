//! The FTPS door with the clients people have: curl, lftp, Python's ftplib.

use std::process::{Command, Output};

use crate::house::{FTPS, House, PASSWORD};
use waybill::domain::Digest;

fn house() -> House {
    let house = House::with(&FTPS);
    house.supplier("northwind");
    house
}

fn curl(house: &House, arguments: &[&str], url: &str) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "60", "--user"])
        .arg(format!("northwind:{PASSWORD}"))
        .args(arguments)
        .arg(url)
        .current_dir(house.folder())
        .output()
        .unwrap()
}

fn curl_ok(house: &House, arguments: &[&str], url: &str) -> Vec<u8> {
    let done = curl(house, arguments, url);
    assert!(done.status.success(), "{url}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");

#[test]
fn curl_puts_lists_gets_resumes_and_renames_explicitly_and_implicitly() {
    let house = house();
    let implicit = house.ready().address("ftps-implicit").unwrap();
    house.file("invoice.edi", X12);
    for (turn, url) in [format!("ftp://{}", house.ftps()), format!("ftps://{implicit}")].iter().enumerate() {
        for version in ["--tlsv1.3", "--tls-max=1.2"] {
            let tls: &[&str] = match version {
                "--tlsv1.3" => &["--ssl-reqd", "--tlsv1.3"],
                _ => &["--ssl-reqd", "--tls-max", "1.2"],
            };
            let name = format!("curl{turn}{}.edi", version.len());
            let with = |more: &[&str]| [tls, more].concat().iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
            let run = |more: &[&str], path: &str| {
                let arguments = with(more);
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                curl_ok(&house, &arguments, &format!("{url}{path}"))
            };
            run(&["--upload-file", "invoice.edi"], &format!("/{name}"));
            assert_eq!(house.settled(&name).sha256, Digest::of(X12).to_string());
            let listed = String::from_utf8(run(&["--list-only"], "/")).unwrap();
            assert!(listed.contains(&format!("{name}\r\n")) || listed.contains(&format!("{name}\n")), "{listed}");
            assert_eq!(run(&[], &format!("/{name}")), X12);
            assert_eq!(run(&["--range", "5-"], &format!("/{name}")), &X12[5..]);
            // By folder, as curl walks a URL.
            assert_eq!(run(&[], &format!("/drop/{name}")), X12);
            let answer = run(&[], &format!("/{name}.OK"));
            assert!(!answer.is_empty());
        }
    }
    // A temporary name is no arrival until it is given up.
    let quoted = ["--ssl-reqd", "--upload-file", "invoice.edi", "-Q", "-RNFR later.edi.tmp", "-Q", "-RNTO later.edi"];
    curl_ok(&house, &quoted, &format!("ftp://{}/later.edi.tmp", house.ftps()));
    house.settled("later.edi");
}

#[test]
fn plain_ftp_gets_no_further_than_a_sentence() {
    let house = house();
    let refused = curl(&house, &["-v"], &format!("ftp://{}/", house.ftps()));
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("534 this server speaks FTP over TLS only; send AUTH TLS first"), "{said}");
    assert!(!house.log().contains(PASSWORD));
    let wrong = Command::new("curl")
        .args(["-sS", "-k", "--ssl-reqd", "--user", "northwind:not this one"])
        .arg(format!("ftp://{}/", house.ftps()))
        .output()
        .unwrap();
    // curl's 67: the login was denied.
    assert_eq!(wrong.status.code(), Some(67), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn lftp_puts_lists_gets_mirrors_renames_and_removes() {
    let house = house();
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    house.file("large.bin", &large);
    house.file("x.edi", X12);
    let script = format!(
        "set cmd:fail-exit yes\nset net:max-retries 1\nset net:timeout 20\nset ssl:verify-certificate no\n\
         set ftp:ssl-force yes\nset ftp:ssl-protect-data yes\nset ftp:ssl-protect-list yes\n\
         open -u northwind,'{PASSWORD}' ftp://{}\n\
         put large.bin\nput x.edi -o x.edi.part\nmv x.edi.part x.edi\ncls -l\nget large.bin -o back.bin\n\
         pget -n 3 large.bin -o parts.bin\nrm large.bin\ncls\nmirror -R --no-perms folder .\n",
        house.ftps()
    );
    std::fs::create_dir(house.folder().join("folder")).unwrap();
    house.file("folder/a.edi", X12);
    house.file("folder/b.csv", "number\nNW-1\n");
    let script = house.file("script", script);
    let done = Command::new("lftp")
        .arg("-f")
        .arg(script)
        .env("HOME", house.folder())
        .current_dir(house.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{said}");
    for name in ["back.bin", "parts.bin"] {
        assert!(std::fs::read(house.folder().join(name)).unwrap() == large, "{name}");
    }
    assert!(said.contains("large.bin") && said.contains("x.edi"), "{said}");
    for name in ["x.edi", "a.edi", "b.csv"] {
        house.settled(name);
    }
}

#[test]
fn ftplib_sees_facts_resumes_appends_and_hears_why() {
    let house = house();
    let said = python(
        &house,
        r#"
import io
ftp = client()
assert ftp.pwd() == "/drop"
assert "MLST type*;size*;modify*;perm*;" in ftp.sendcmd("FEAT")
assert ftp.storbinary("STOR a.bin", io.BytesIO(b"0123456789")).startswith("226 10 bytes are safe as fil_")
assert ftp.size("a.bin") == 10
facts = dict(ftp.mlsd())["a.bin"]
assert facts["type"] == "file" and facts["size"] == "10", facts
assert ftp.sendcmd("MLST a.bin").splitlines()[1].endswith("; a.bin")
assert ftp.sendcmd("HASH a.bin").startswith("213 SHA-256 0-10 84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882")
assert ftp.sendcmd("XSHA256 a.bin").startswith("250 84D89877F0D4041E")
assert ftp.sendcmd("MDTM a.bin").startswith("213 20")
assert ftp.sendcmd("MFMT 20200101000000 a.bin") == "213 Modify=20200101000000; a.bin"
assert int(ftp.sendcmd("AVBL").split()[1]) > 0
got = []
ftp.retrbinary("RETR a.bin", got.append, rest=4)
assert b"".join(got) == b"456789", got
# What lies there is gone on with in a copy.
ftp.storbinary("APPE a.bin", io.BytesIO(b"abc"))
assert ftp.size("a.bin") == 13
ftp.storbinary("STOR a.bin", io.BytesIO(b"XY"), rest=11)
got = []
ftp.retrbinary("RETR a.bin", got.append)
assert b"".join(got) == b"0123456789aXY", got
unique = ftp.storbinary("STOU", io.BytesIO(b"one of a kind"))
assert unique.startswith("226"), unique
for command, code in [
    ("RETR nope", "550"), ("STOR ../x", "553"), ("STOR /etc/passwd", "553"), ("MKD sub", "550"), ("MKD /drop", "550"),
    ("RMD /drop", "550"), ("CWD /elsewhere", "550"), ("STRU R", "504"), ("MODE B", "504"), ("TYPE E", "504"),
    ("ACCT x", "502"), ("CCC", "534"), ("PROT C", "534"), ("PORT 127,0,0,1,200,200", "502"), ("REST x", "501"),
    ("ALLO 99999999999999", "552"), ("SMNT /", "502"), ("NONSENSE", "500"), ("LANG FR", "504"), ("OPTS UTF8 OFF", "504"),
    ("USER other", "503"), ("RNTO b.bin", "503"), ("AUTH TLS", "503"), ("HASH nope", "550"), ("STOR a.bin.OK", "550"),
]:
    if command.split()[0] in ("RETR", "STOR"):
        ftp.makepasv()
    reply = refused(ftp.sendcmd, command)
    assert reply.startswith(code + " "), (command, reply)
for command, code in [
    ("NOOP", "200"), ("SYST", "215"), ("STRU F", "200"), ("MODE S", "200"), ("TYPE A", "200"), ("TYPE I", "200"),
    ("ALLO 10", "202"), ("LANG EN", "200"), ("OPTS UTF8 ON", "200"), ("OPTS HASH SHA-256", "200"),
    ("OPTS MLST type;size;", "200"), ("CLNT a test", "200"), ("SITE CHMOD 644 a.bin", "200"), ("SITE HELP", "214"),
    ("HELP", "214"), ("STAT", "211"), ("STAT a.bin", "213"), ("CDUP", "250"), ("CWD drop", "250"), ("XPWD", "257"),
    ("RNFR a.bin", "350"), ("RNTO b.bin", "250"), ("DELE b.bin", "250"), ("ABOR", "226"),
]:
    reply = ftp.sendcmd(command)
    assert reply.startswith(code), (command, reply)
assert ftp.sendcmd("REIN").startswith("220")
assert refused(ftp.sendcmd, "PWD").startswith("530")
ftp.login("northwind", PASSWORD)
print(ftp.quit())
"#,
    );
    assert_eq!(said.trim(), "221 goodbye");
}

/// Runs Python lines with `client()`, a logged-in `FTP_TLS`, and `refused()`.
pub(crate) fn python(house: &House, lines: &str) -> String {
    let python = std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let prelude = format!(
        r#"
import ftplib, socket, ssl, time
PORT, IMPLICIT, PASSWORD = {port}, {implicit}, "{PASSWORD}"
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
def client(context=CONTEXT):
    ftp = ftplib.FTP_TLS(context=context, timeout=30)
    ftp.connect("127.0.0.1", PORT)
    ftp.login("northwind", PASSWORD)
    ftp.prot_p()
    return ftp
def refused(call, *arguments):
    try:
        call(*arguments)
    except ftplib.all_errors as error:
        return str(error)
    raise AssertionError("it was not refused: %r" % (arguments,))
"#,
        port = house.ftps().port(),
        implicit = house.ready().address("ftps-implicit").unwrap().port(),
    );
    let script = house.file("script.py", prelude + lines);
    let done = Command::new(&python).arg(script).current_dir(house.folder()).output().unwrap();
    assert!(
        done.status.success(),
        "{python}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}
