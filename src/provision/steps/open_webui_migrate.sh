# Arguments: the environment's python, PostgreSQL's programs, the cluster, the socket's folder,
# and the options of the server. Standard input is the lock that says that we are at it.
trap '' INT TERM HUP PIPE
python=$1 bin=$2 data=$3 socket=$4
shift 4
env -u DATABASE_URL -u WEBUI_SECRET_KEY "$bin/postgres" -D "$data" "$@" &
server=$!
until "$bin/pg_isready" --quiet --host "$socket"; do
  kill -0 "$server" || { echo "PostgreSQL did not start" >&2; exit 1; }
  sleep 0.1
done
# Its configuration migrates when it is imported.
"$python" -c 'import open_webui.config'
code=$?
kill -INT "$server"
wait "$server"
exit "$code"
