//! As much of LiteLLM's administration as the commands ask for, in memory, for tests.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Arguments, api::WORKER};
use crate::secrets::SecretStore;

/// In the fake's folder.
const SOCKET: &str = "http.sock";

/// What the fake knows.
#[derive(Default)]
pub(super) struct World {
    /// By hash, whether it is blocked.
    pub(super) keys: BTreeMap<String, bool>,
    pub(super) teams: BTreeSet<String>,
    /// Identity and name.
    pub(super) models: Vec<(String, String)>,
    /// Who answers the next looks at the models, and whether it knows of any: after them, worker 1.
    pub(super) looks: VecDeque<(&'static str, bool)>,
    /// Head and body of each request.
    requests: Vec<String>,
}

pub(super) struct Fake {
    folder: tempfile::TempDir,
    world: Arc<Mutex<World>>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let theirs = world.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !serve(&mut stream.unwrap(), &theirs) {
                    break;
                }
            }
        });
        Self {
            folder,
            world,
            thread: Some(thread),
        }
    }

    pub(super) fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join(SOCKET)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// What was asked since the last time.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.world().requests)
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            // An empty connection is the sign to end.
            drop(UnixStream::connect(self.socket()));
            thread.join().unwrap();
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.end();
    }
}

/// The command's arguments for a LiteLLM on `socket`, with secrets of its own and without Open WebUI.
pub(super) fn arguments(socket: &Path) -> (Arguments, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let told = Arguments {
        workers: 1,
        litellm: socket.to_owned(),
        api_base: "http://127.0.0.1:4000/v1".to_owned(),
        secrets: folder.path().join("secrets"),
        memory: folder.path().to_owned(),
        control: folder.path().join("control.sock"),
        demo_model: true,
        open_webui: None,
    };
    SecretStore::new(told.secrets.clone())
        .make_missing(crate::services::catalog().secrets(), None)
        .unwrap();
    (told, folder)
}

pub(super) fn hash(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// False: there was no request.
fn serve(stream: &mut UnixStream, world: &Mutex<World>) -> bool {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head = format!("{head}{line}\n");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let mut world = world.lock().unwrap();
    world.requests.push(format!("{head}{body}"));
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let body = serde_json::from_str(&body).unwrap_or_default();
    let (worker, knows) = match world.looks.pop_front() {
        Some(look) if target == "/model/info" && !world.models.is_empty() => look,
        Some(other) => {
            world.looks.push_front(other);
            ("1", true)
        }
        None => ("1", true),
    };
    let (status, answer) = if knows {
        answer(&mut world, &target, &body)
    } else {
        (200, json!({"data": []}))
    };
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nConnection: close\r\n{WORKER}: {worker}\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .unwrap();
    true
}

fn answer(world: &mut World, target: &str, body: &Value) -> (u16, Value) {
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    let missing = (404, json!({"error": {"message": "no"}}));
    match target.split_once('?').unwrap_or((target, "")) {
        ("/key/list", query) => {
            let wanted = query
                .split('&')
                .find_map(|part| part.strip_prefix("key_hash="));
            let keys = world.keys.iter();
            let keys = keys.filter(|(hash, _)| wanted.is_none_or(|wanted| wanted == *hash));
            let keys = keys.map(|(hash, blocked)| {
                json!({"token": hash, "key_alias": "Open WebUI Key", "blocked": blocked})
            });
            (200, json!({"keys": keys.collect::<Vec<_>>()}))
        }
        ("/v2/team/list", query) => {
            let team = query.strip_prefix("team_id=").unwrap();
            let teams = world.teams.iter().filter(|known| *known == team);
            (200, json!({"teams": teams.collect::<Vec<_>>()}))
        }
        ("/team/new", _) => {
            world.teams.insert(text("team_id"));
            (200, json!({}))
        }
        ("/key/delete", _) => {
            for hash in body["keys"].as_array().unwrap() {
                world.keys.remove(hash.as_str().unwrap()).unwrap();
            }
            (200, json!({}))
        }
        // As LiteLLM: in a team that there is, and under a name that nobody else has.
        ("/key/generate", _) if !world.teams.contains(&text("team_id")) => missing,
        ("/key/generate", _) if !world.keys.is_empty() => missing,
        ("/key/generate", _) => {
            world.keys.insert(hash(&text("key")), false);
            (200, json!({}))
        }
        ("/model/info", _) => {
            let models = world.models.iter();
            let models =
                models.map(|(id, name)| json!({"model_name": name, "model_info": {"id": id}}));
            (200, json!({"data": models.collect::<Vec<_>>()}))
        }
        ("/model/new", _) => {
            let id = body["model_info"]["id"].as_str().unwrap().to_owned();
            world.models.push((id, text("model_name")));
            (200, json!({}))
        }
        ("/model/delete", _) => {
            let id = text("id");
            world.models.retain(|(known, _)| *known != id);
            (200, json!({}))
        }
        _ => (
            500,
            json!({"error": {"message": format!("{target} is not expected")}}),
        ),
    }
}
