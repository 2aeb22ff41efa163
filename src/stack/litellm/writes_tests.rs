//! What a connection writes together, by Python, on a loop and a transport that write down what they
//! are told.

use crate::stack::diet::tests::run;

fn python(script: &str) -> String {
    let files = [("gateway_writes.py", include_str!("gateway_writes.py"))];
    let before = "import gateway_writes
class Loop:
    def __init__(self): self.soon = []
    def call_soon(self, what): self.soon.append(what)
    def turn(self):
        soon, self.soon = self.soon, []
        for what in soon: what()
        said.append('|')
class Under:
    closing = False
    def write(self, data): said.append(short(data))
    def close(self): said.append('close'); self.closing = True
    def write_eof(self): said.append('eof')
    def abort(self): said.append('abort'); self.closing = True
    def is_closing(self): return self.closing
    def get_extra_info(self, name): return name
    def get_write_buffer_size(self): return 100
    def pause_reading(self): said.append('pause')
    def resume_reading(self): said.append('resume')
def short(data): return data.decode().translate(str.maketrans('', '', '\\r\\n'))
said, loop = [], Loop()
transport = gateway_writes.Transport(loop, Under())
HEAD, END = b'HTTP/1.1 200 OK\\r\\n\\r\\n', b'0\\r\\n\\r\\n'
def events(text):
    for one in text: transport.write(b'%b\\n\\n\\r\\n' % one.encode())
";
    run(&files, "", &format!("{before}{script}\nprint(*said)"))
}

#[test]
fn the_first_event_of_a_turn_leaves_at_once_and_the_others_with_the_end() {
    let script = "transport.write(HEAD); events('abcde'); transport.write(END); loop.turn()
events('f'); transport.write(END); loop.turn(); loop.turn()";
    assert_eq!(python(script), "HTTP/1.1 200 OKa bcde0 | f 0 | |\n");
}

#[test]
fn what_is_held_leaves_with_the_turn() {
    let script = "transport.write(HEAD); loop.turn()
events('abc'); loop.turn()
events('d'); loop.turn()
events('e'); loop.turn(); loop.turn()
print(len(loop.soon))";
    assert_eq!(python(script), "0\nHTTP/1.1 200 OK | a bc | d | e | |\n");
}

#[test]
fn an_answer_that_is_no_stream_is_written_with_its_head() {
    let script = "for _ in range(2): transport.write(HEAD); transport.write(b'{}')
transport.write(b'more'); transport.writelines([b'and', b'more'])";
    assert_eq!(
        python(script),
        "HTTP/1.1 200 OK{} HTTP/1.1 200 OK{} more andmore\n"
    );
}

#[test]
fn what_only_looks_like_the_head_of_an_answer_waits_for_nothing() {
    let script = "transport.write(b'HTTP/1.1 100 Continue\\r\\n\\r\\n'); loop.turn()
transport.write(b'HTTP/1.1 101 Switching\\r\\n\\r\\n'); loop.turn()";
    assert_eq!(
        python(script),
        "HTTP/1.1 100 Continue | HTTP/1.1 101 Switching |\n"
    );
}

#[test]
fn large_pieces_are_held_up_to_what_a_connection_may_have_in_memory() {
    let script = "short = len
events(['a', 'b' * 30000, 'c' * 30000, 'd' * 30000, 'e' * 70000, 'f']); loop.turn()
transport.write(HEAD + bytes(70000)); transport.write(memoryview(b'view')); loop.turn()";
    assert_eq!(python(script), "5 90012 70004 5 | 70019 4 |\n");
}

#[test]
fn not_more_than_sixteen_pieces_are_held() {
    let script = "events('a' + 'b' * 40); loop.turn()";
    let sixteen = "b".repeat(16);
    assert_eq!(
        python(script),
        format!("a {sixteen} {sixteen} bbbbbbbb |\n")
    );
}

#[test]
fn whoever_closes_has_said_all_that_was_to_be_said() {
    let script = "events('abc'); transport.close(); loop.turn(); events('d'); loop.turn()";
    assert_eq!(python(script), "a bc close | |\n");
    assert_eq!(python("events('abc'); transport.write_eof()"), "a bc eof\n");
    assert_eq!(
        python("events('abc'); transport.abort(); loop.turn()"),
        "a abort |\n"
    );
}

#[test]
fn what_is_held_counts_as_not_yet_written_and_the_rest_is_the_transports_own() {
    let script = "events('abc'); said.append(transport.get_write_buffer_size())
transport.pause_reading(); transport.resume_reading()
said.append(transport.get_extra_info('peername')); said.append(transport.is_closing())";
    assert_eq!(python(script), "a 110 pause resume peername False\n");
}
