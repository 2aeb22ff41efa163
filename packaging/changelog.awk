# CHANGELOG.md in a package's form: awk -v version=V -v header=H -v item=I -v trailer=T -v now=@SECONDS
#
# Its sections are "## VERSION (YYYY-MM-DD)"; "## Unreleased" is the version that is being built. In
# the header and the trailer, VERSION and DATE<form of date(1)> are filled in.

function stamp(form,   line, command) {
  command = "date -u -d '" day "' '+" form "'"
  command | getline line
  close(command)
  return line
}

function fill(text) {
  gsub(/VERSION/, number, text)
  if (match(text, /DATE<[^>]*>/))
    text = substr(text, 1, RSTART - 1) stamp(substr(text, RSTART + 5, RLENGTH - 6)) substr(text, RSTART + RLENGTH)
  return text
}

# The item that was gathered, in lines that a terminal shows whole.
function say(   words, count, i, line, indent) {
  if (gathered == "") return
  line = item; sub(/ $/, "", line)
  indent = item; gsub(/./, " ", indent); sub(/ $/, "", indent)
  count = split(gathered, words, " ")
  for (i = 1; i <= count; i++) {
    if (length(line " " words[i]) > 78) { print line; line = indent }
    line = line " " words[i]
  }
  print line
  gathered = ""
}

function finish() {
  say()
  if (number != "") print (trailer == "" ? "" : "\n" fill(trailer) "\n")
}

/^## / {
  finish()
  number = $2; day = $3; gsub(/[()]/, "", day)
  if (number == "Unreleased") { number = version; day = now }
  print fill(header)
}
/^- / { say(); gathered = substr($0, 3) }
/^  [^ ]/ { gathered = gathered " " substr($0, 3) }
END { finish() }
