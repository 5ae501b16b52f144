//! Logging in at the FTPS door: with client certificates, and with codes behind passwords.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use waybill::land::proofs::{self, Wanted};

use crate::auth_steps::{code, enrol, methods};
use crate::house::{FTPS, House, PASSWORD};

/// An authority that issues certificates and takes them back.
pub(crate) struct Authority {
    pub(crate) folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let authority = Self { folder, issuer: Issuer::new(params, key) };
        authority.revoke(&[]);
        authority
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn list(&self) -> PathBuf {
        self.folder.path().join("crl.pem")
    }

    fn revoke(&self, serials: &[u64]) {
        self.list_until(serials, 2090);
    }

    fn list_until(&self, serials: &[u64], year: i32) {
        let revoked_certs = serials
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        std::fs::write(self.list(), list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
    }

    /// A client's certificate and key, as curl wants them.
    fn issue(&self, serial: u64, name: &str, alternatives: Vec<SanType>) -> [String; 4] {
        let purpose = ExtendedKeyUsagePurpose::ClientAuth;
        let (certificate, key) = self.issue_for(serial, name, alternatives, purpose, [(2020, 1), (2090, 1)]);
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        ["--cert".to_owned(), text(&certificate), "--key".to_owned(), text(&key)]
    }

    pub(crate) fn issue_for(
        &self,
        serial: u64,
        name: &str,
        alternatives: Vec<SanType>,
        purpose: ExtendedKeyUsagePurpose,
        [from, until]: [(i32, u8); 2],
    ) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = alternatives;
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(from.0, from.1, 1);
        params.not_after = date_time_ymd(until.0, until.1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |kind: &str| self.folder.path().join(format!("{serial}.{kind}.pem"));
        std::fs::write(path("cert"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        let _ = Command::new("chmod").arg("600").arg(path("key")).status();
        (path("cert"), path("key"))
    }
}

fn house(authority: &Authority) -> House {
    let (ca, crl) = (authority.certificate(), authority.list());
    let mut settings = FTPS.to_vec();
    settings.push(("WAYBILL_FTPS_CLIENT_CA", ca.to_str().unwrap()));
    settings.push(("WAYBILL_FTPS_CLIENT_CRL", crl.to_str().unwrap()));
    let house = House::with(&settings);
    house.supplier("northwind");
    house
}

fn certificates(house: &House, names: &[&str]) {
    let certificates = Some(names.iter().map(|name| (*name).to_owned()).collect());
    let account = house.account("northwind");
    let wanted = Wanted { certificates, ..Wanted::default() };
    house.ask(async |record| proofs::change(record, &account, &wanted).await.unwrap());
}

fn curl(house: &House, certificate: &[String], password: &str) -> Output {
    curl_at(&format!("ftp://{}/", house.ftps()), certificate, password)
}

fn curl_at(url: &str, certificate: &[String], password: &str) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--verbose", "--insecure", "--ssl-reqd", "--max-time", "60", "--user"])
        .arg(format!("northwind:{password}"))
        .args(certificate)
        .arg(url)
        .output()
        .unwrap()
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn a_client_certificate_logs_in_whose_it_is_and_nobody_else() {
    let authority = Authority::new("Our Authority");
    let house = house(&authority);
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let ours = authority.issue(1, "acme", vec![dns("erp.acme.example")]);
    assert!(!curl(&house, &ours, "wrong").status.success(), "a certificate that no account lists");
    assert!(curl(&house, &ours, PASSWORD).status.success(), "it is no hindrance either");

    certificates(&house, &["cn:acme", "email:erp@acme.example"]);
    for url in [format!("ftp://{}/", house.ftps()), implicit(&house)] {
        let done = curl_at(&url, &ours, "wrong");
        assert!(done.status.success(), "{}", said(&done));
        assert!(said(&done).contains("232 come in"), "{}", said(&done));
    }
    let event = house.events(&["session.started"]).pop().unwrap();
    assert_eq!((&event.data["method"], &event.data["certificate"]), (&"certificate".into(), &"cn:acme".into()));
    assert!(
        event.data["algorithms"]["tls"] == "TLSv1_3" && event.data["algorithms"]["cipher"].is_string(),
        "{event:?}"
    );
    // By an alternative name as well, and by nothing that only contains a name or is contained in one.
    let email = SanType::Rfc822Name("erp@acme.example".try_into().unwrap());
    assert!(curl(&house, &authority.issue(2, "whoever", vec![email]), "wrong").status.success());
    for (serial, name) in [(3, "acme2"), (4, "xacme"), (5, "acm"), (6, "ACME"), (7, "acme,northwind"), (8, "northwind")]
    {
        let done = curl(&house, &authority.issue(serial, name, vec![dns("acme"), dns("cn.acme")]), "wrong");
        assert!(!done.status.success(), "{name} came in");
    }
    assert!(house.events(&["auth.failed"]).iter().any(|event| event.msg.contains("somebody else's")));
    // Without one, the password is still a way: the usual is any one proof.
    assert!(curl(&house, &[], PASSWORD).status.success());
}

fn implicit(house: &House) -> String {
    format!("ftps://{}/", house.ready().address("ftps-implicit").unwrap())
}

#[test]
fn a_certificate_that_is_not_good_is_none() {
    let authority = Authority::new("Our Authority");
    let house = house(&authority);
    certificates(&house, &["cn:acme"]);
    let ours = authority.issue(1, "acme", vec![]);
    assert!(curl(&house, &ours, "wrong").status.success());
    let refused = |certificate: &[String], why: &str| {
        let done = curl(&house, certificate, "wrong");
        assert!(!done.status.success(), "{why}");
        let events = house.events(&["auth.failed"]);
        assert!(events.iter().any(|event| event.msg.contains(why)), "{why}: {events:#?}");
    };
    // Of the same name, by another authority of the same name.
    refused(&Authority::new("Our Authority").issue(1, "acme", vec![]), "not good");
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let other = |serial, purpose, until| {
        let (certificate, key) = authority.issue_for(serial, "acme", vec![], purpose, [(2019, 1), until]);
        ["--cert".to_owned(), text(certificate), "--key".to_owned(), text(key)]
    };
    refused(&other(2, ExtendedKeyUsagePurpose::ClientAuth, (2020, 1)), "it has expired");
    refused(&other(3, ExtendedKeyUsagePurpose::ServerAuth, (2090, 1)), "not good");
    // Taken back while we stand, and forgiven.
    authority.revoke(&[1, 99]);
    refused(&ours, "it is revoked");
    assert!(curl(&house, &ours, PASSWORD).status.success(), "the password is a way of its own");
    authority.revoke(&[99]);
    assert!(curl(&house, &ours, "wrong").status.success());
    // A list that is overdue says nothing, and neither does half of one.
    authority.list_until(&[], 2021);
    refused(&ours, "not good");
    std::fs::write(authority.list(), "half of a list").unwrap();
    refused(&ours, "cannot be checked at the moment");
    authority.revoke(&[]);
    assert!(curl(&house, &ours, "wrong").status.success());
}

#[test]
fn a_certificate_and_a_password_are_both_wanted_where_the_account_says_so() {
    let authority = Authority::new("Our Authority");
    let house = house(&authority);
    certificates(&house, &["dns:erp.acme.example"]);
    methods(&house, &["certificate+password"]);
    let name = SanType::DnsName("erp.acme.example".try_into().unwrap());
    let ours = authority.issue(1, "acme", vec![name]);
    assert!(!curl(&house, &[], PASSWORD).status.success(), "a password alone");
    assert!(!curl(&house, &ours, "wrong").status.success(), "a certificate alone");
    assert!(!curl(&house, &authority.issue(2, "erp.acme.example", vec![]), PASSWORD).status.success());
    let done = curl(&house, &ours, PASSWORD);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("331 now the password"), "{}", said(&done));
    assert_eq!(house.events(&["session.started"])[0].data["method"], "certificate+password");
    // lftp speaks GnuTLS.
    let script = format!(
        "set net:max-retries 1\nset net:timeout 20\nset ssl:verify-certificate no\nset ftp:ssl-force yes\n\
         set ftp:ssl-protect-data yes\nset ssl:cert-file {}\nset ssl:key-file {}\n\
         open -u northwind,'{PASSWORD}' ftp://{}\ncls\n",
        ours[1],
        ours[3],
        house.ftps()
    );
    let script = house.file("script", script);
    let done = Command::new("lftp").arg("-f").arg(script).env("HOME", house.folder()).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(house.events(&["session.started"]).len(), 2);
}

#[test]
fn a_code_stands_behind_the_password() {
    let house = House::with(&FTPS);
    house.supplier("northwind");
    assert!(curl(&house, &[], PASSWORD).status.success());
    let enrolled = enrol(&house);
    let secret = enrolled["secret"].as_str().unwrap();
    let first = code(&house, secret, 0);
    let done = curl(&house, &[], PASSWORD);
    assert!(!done.status.success() && said(&done).contains("530 the login or its credential"), "{}", said(&done));
    for wrong in [format!("{PASSWORD}000000"), format!("not it{first}"), first.clone()] {
        assert!(!curl(&house, &[], &wrong).status.success());
    }
    assert!(curl(&house, &[], &format!("{PASSWORD}{first}")).status.success());
    assert!(!curl(&house, &[], &format!("{PASSWORD}{first}")).status.success(), "twice");
    let recovery = enrolled["recovery_codes"][3].as_str().unwrap();
    assert!(curl(&house, &[], &format!("{PASSWORD}{recovery}")).status.success());
    assert_eq!(house.events(&["session.started"]).pop().unwrap().data["method"], "password+totp");
    // Ways that FTPS cannot ask for are told, and not guessed.
    methods(&house, &["password+publickey"]);
    let done = curl(&house, &[], PASSWORD);
    assert!(said(&done).contains("530 this account logs in with more than FTPS can ask for"), "{}", said(&done));
    let log = house.log();
    assert!(!log.contains(PASSWORD) && !log.contains(&first) && !log.contains(recovery), "a secret is in the log");
}
