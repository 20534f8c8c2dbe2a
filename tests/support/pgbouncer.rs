//! A real pgbouncer in transaction mode: no session of its own for anyone, so nobody can listen.

use super::{free_port, postgres::Postgres};
use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

pub struct Bouncer {
    process: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

pub fn start(server: &Postgres) -> Bouncer {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let users = folder.path().join("users");
    let config = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         pool_mode = transaction\nauth_type = trust\nauth_file = {}\nunix_socket_dir =\n\
         ignore_startup_parameters = extra_float_digits\n",
        server.port,
        users.display()
    );
    std::fs::write(&users, "\"keydesk\" \"\"\n").expect("writes");
    let path = folder.path().join("pgbouncer.ini");
    std::fs::write(&path, config).expect("writes");
    let mut permissions = std::fs::metadata(folder.path()).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(folder.path(), permissions).expect("is ours");
    let mut command = Command::new("/usr/sbin/pgbouncer");
    if std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    {
        command.uid(65_534).gid(65_534);
    }
    let process = command.arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let bouncer = Bouncer { process: process.expect("./test installs it"), port, _folder: folder };
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return bouncer;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("pgbouncer did not start");
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
