# Arguments: the environment's python, what it is to run, PostgreSQL's programs, the cluster, the socket's folder,
# and the options of the server. Standard input is the lock that says that we are at it.
trap '' INT TERM HUP PIPE
python=$1 code=$2 bin=$3 data=$4 socket=$5
shift 5
env -u DATABASE_URL -u WEBUI_SECRET_KEY "$bin/postgres" -D "$data" "$@" &
server=$!
until "$bin/pg_isready" --quiet --host "$socket"; do
  kill -0 "$server" || { echo "PostgreSQL did not start" >&2; exit 1; }
  sleep 0.1
done
"$python" -c "$code"
code=$?
kill -INT "$server"
wait "$server"
exit "$code"
