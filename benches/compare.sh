#!/usr/bin/env bash
# Puts birl beside ripgrep, grep and awk: the same generated logs, the same lines found, in turns; and
# its queries beside DuckDB and angle-grinder, where these are installed.
#
#   benches/compare.sh [--quick | --big] [--rounds N]
#
# --quick measures on a tenth of the data, --big also measures memory on 20 GB. What is generated
# stays in bench-data/ (about 8 GB; 48 GB with --big) for the next run; delete it when you like.
#
# BIRL        the birl to measure; without it, one is built
# RG          the ripgrep to compare with; without it, the one on PATH
# DUCKDB      the DuckDB to compare with; without it, the one on PATH, or else the Python module
# AGRIND      the angle-grinder to compare with; without it, the agrind on PATH
# BENCH_DATA  where the data goes, instead of bench-data/
#
# The exit code is 1 where outputs differ or a command fails, and else 0: a target that is missed
# is marked in the table. Where there are more than two processors, the targets are meant for
# `taskset -c 0,1 benches/compare.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is compared are the tools, not their users' configurations; grep is faster without locales.
export LC_ALL=C RIPGREP_CONFIG_PATH=
repository=$PWD
data=${BENCH_DATA:-$repository/bench-data}
target=${CARGO_TARGET_DIR:-$repository/target}
rounds=7
size=full
big=

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }
die() { printf 'compare.sh: %s\n' "$*" >&2; exit 1; }

while (($#)); do
    case $1 in
        --quick) size=quick ;;
        --big) big=yes ;;
        --rounds) shift; rounds=${1:?--rounds needs a number} ;;
        -h | --help) usage; exit ;;
        *) die "unknown argument $1; --help says more" ;;
    esac
    shift
done

case $size in
    # What is wanted of fields is 1.5 GB/s of JSON and 1 GB/s of access logs, and 400 MB/s of
    # what is printed.
    full) log_bytes=2G gzip_bytes=1G files=10000 json_ms=1333 access_ms=2000 pretty_ms=5000 ;;
    quick) log_bytes=200M gzip_bytes=100M files=1000 json_ms=133 access_ms=200 pretty_ms=500 ;;
esac
log=$data/plain-$log_bytes.log
log_big=$data/plain-20G.log
log_gzip=$data/plain-$gzip_bytes.log.gz
log_weeks=$data/weeks-20G.log
log_json=$data/json-$log_bytes.log
log_access=$data/access-$log_bytes.log
log_small=$data/ten-lines.log
logs=$data/files-$files

build() {
    rg=${RG:-$(command -v rg || true)}
    [[ -n $rg ]] || die 'no ripgrep on PATH: set RG, or run cargo install ripgrep --version ^15'
    cargo build --quiet --release -p birl-bench
    if [[ -z ${BIRL:-} ]]; then
        cargo build --quiet --release -p birl
    fi
    birl=${BIRL:-$target/release/birl}
}

# What DuckDB and angle-grinder are run as; nothing where they are not installed.
find_rivals() {
    duckdb=()
    if [[ -n ${DUCKDB:=$(command -v duckdb || true)} ]]; then
        duckdb=("$DUCKDB" -list -header -separator $'\t' -cmd 'set threads = 2' -c)
    elif python3 -c 'import duckdb' 2> /dev/null; then
        duckdb=(python3 "$repository/benches/run-duckdb.py")
    fi
    agrind=${AGRIND:-$(command -v agrind || true)}
}

# generate FILE COMMAND...: what the command writes becomes FILE, once it is complete.
generate() {
    local file=$1
    shift
    [[ -e $file ]] && return
    printf 'generating %s\n' "$file" >&2
    "$@" > "$file.part"
    mv "$file.part" "$file"
}

generate_all() {
    local generator=$target/release/birl-generate
    mkdir -p "$data"
    generate "$log" "$generator" --bytes $log_bytes
    generate "$log_gzip" bash -c "'$generator' --bytes $gzip_bytes | gzip"
    generate "$log_json" "$generator" --kind json --bytes $log_bytes
    generate "$log_access" "$generator" --kind access --bytes $log_bytes
    generate "$log_small" bash -c "'$generator' --bytes 1M | head -n 10"
    if [[ ! -e $logs ]]; then
        printf 'generating %s\n' "$logs" >&2
        "$generator" --files $files --file-bytes 100K --dir "$logs.part"
        mv "$logs.part" "$logs"
    fi
    if [[ -n $big ]]; then
        generate "$log_big" "$generator" --bytes 20G
        # 80 million lines, 60 ms apart.
        generate "$log_weeks" "$generator" --bytes 20G --gap-us 120000
    fi
}

describe() {
    printf 'machine: %s, %s processors, %s\n' "$(cpu)" "$(getconf _NPROCESSORS_ONLN)" "$(uname -sr)"
    printf 'birl:    %s\n' "$("$birl" --version | head -n 1)"
    printf 'ripgrep: %s\n' "$("$rg" --version | head -n 1)"
    printf 'grep:    %s\n' "$(grep --version | head -n 1)"
    if ((${#duckdb[@]})); then
        printf 'DuckDB:  %s, 2 threads, columns given; %s\n' "$(duckdb_version)" "${duckdb[0]##*/}"
    else
        printf 'DuckDB:  not found, its rows are left out: set DUCKDB, or run pip install duckdb\n'
    fi
    if [[ -n $agrind ]]; then
        printf 'agrind:  %s\n' "$("$agrind" --version | head -n 1)"
    else
        printf 'agrind:  not found, its rows are left out: set AGRIND, or run cargo install ag\n'
    fi
    printf 'data:    log of %s; gzip of %s, %s bytes long; %s files of 100K; all in the page cache\n' \
        "$log_bytes" "$gzip_bytes" "$(wc -c < "$log_gzip")" "$files"
    printf 'times:   medians of %s rounds in turns, output through a pipe\n\n' "$rounds"
}

duckdb_version() {
    case ${duckdb[0]} in
        python3) "${duckdb[@]}" --version ;;
        *) "$DUCKDB" --version | head -n 1 ;;
    esac
}

cpu() {
    if [[ -r /proc/cpuinfo ]]; then
        sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo
    else
        sysctl -n machdep.cpu.brand_string
    fi
}

failed=
# versus NAME [OPTION]... -- COMMAND... -- RIVAL...: one row of the table.
versus() {
    local name=$1
    shift
    "$target/release/birl-versus" --case "$name" --rounds "$rounds" "$@" || failed=yes
}

compare_all() {
    "$target/release/birl-versus" --header
    compare_lines
    compare_records
    compare_queries
}

# The unit is the record here, and what is asked for is a field.
compare_records() {
    # The rival is the word search, which knows nothing of levels.
    versus 'level:error of JSON, 1 % of records' --at-least 0.667 --rss-mib 64 \
        -- "$birl" -j2 level:error "$log_json" -- "$birl" -j2 -F '"level":"error"' "$log_json" \
        -- "$rg" -F '"level":"error"' "$log_json"
    versus 'number of JSON, 3 % of records' --within-ms "$json_ms" --rss-mib 64 \
        -- "$birl" -j2 'ms:>2900' "$log_json" -- "$rg" '"ms":29(0[1-9]|[1-9][0-9])' "$log_json"
    versus 'status of access logs, 20 % of records' --within-ms "$access_ms" --rss-mib 64 \
        -- "$birl" -j2 'status:500..599' "$log_access" \
        -- awk '$9 ~ /^5[0-9][0-9]$/' "$log_access"
    versus 'all of JSON, pretty' --unchecked --within-ms "$pretty_ms" --rss-mib 64 \
        -- "$birl" -j2 -o pretty '*' "$log_json" -- cat "$log_json"
    if [[ -n $big ]]; then
        rounds=21 versus 'the last hour of 8 weeks, 20 GB' --within-ms 50 --rss-mib 64 \
            -- "$birl" -j2 -c last:1h "$log_weeks" -- "$birl" -j2 -c last:1h "$log_weeks"
    fi
}

# Aggregates. What is wanted of them beside others is a row for each of these.
compare_queries() {
    local errors='select service, count(*) as count from logs where level = '"'error'"' group by service'
    local services='select service, count(*) as count from logs group by service'
    local latencies='select service, avg(ms), approx_quantile(ms, 0.99) from logs group by service'
    local times='select count(*) as count from (select time, count(*) from logs group by time)'
    beside_duckdb 'count by service of errors, 1 %' "level:error |> count by service" "$errors" \
        --unordered --at-least 6 --rss-mib 96
    beside_duckdb 'count by service' '* |> count by service' "$services" \
        --unordered --at-least 2.5 --rss-mib 96
    # Percentiles are approximate, and averages are printed otherwise.
    beside_duckdb 'average and p99 by service' '* |> stats avg(ms), p99(ms) by service' "$latencies" \
        --unchecked --at-least 2.5 --rss-mib 96
    beside_duckdb 'groups of one line' '* |> count by time |> count' "$times" --rss-mib 400
    beside_agrind 'count by service of errors, agrind' 'level:error |> count by service' \
        '* | json | where level == "error" | count by service' --at-least 20
    beside_agrind 'count by service, agrind' '* |> count by service' \
        '* | json | count by service' --at-least 40
    beside_agrind 'average and p99 by service, agrind' '* |> stats avg(ms), p99(ms) by service' \
        '* | json | avg(ms), p99(ms) by service' --at-least 40

    # awk tells nothing but words; the pattern is what they are in these logs.
    versus 'count by status of access logs' --unordered --within-ms "$access_ms" --rss-mib 96 \
        -- "$birl" -j2 -o tsv '* |> count by status' "$log_access" \
        -- awk -v OFS='\t' '{ n[$9]++ } END { print "status", "count"; for (s in n) print s, n[s] }' \
        "$log_access"
    versus 'top 10 paths of access logs' --within-ms "$access_ms" \
        -- "$birl" -j2 -o tsv '* |> top 10 path' "$log_access" \
        -- sh -c 'printf "path\tcount\n"; awk -v OFS="\t" "{ sub(/[?].*/, \"\", \$7); n[\$7]++ }
            END { for (p in n) print p, n[p] }" "$1" | sort -t "	" -k2,2nr -k1,1 | head -n 10' \
        - "$log_access"
    rounds=51 versus 'count by level in 10 lines' --unordered --within-ms 30 \
        -- "$birl" -o tsv '* |> count by level' "$log_small" \
        -- awk -v OFS='\t' '{ n[tolower($2)]++ } END { print "level", "count"; for (l in n) print l, n[l] }' \
        "$log_small"
    if [[ -n $big ]]; then
        rounds=21 versus 'the last hour of 8 weeks by level, 20 GB' --within-ms 60 --rss-mib 96 \
            -- "$birl" -j2 -o tsv 'last:1h |> count by level' "$log_weeks" \
            -- "$birl" -j2 -o tsv 'last:1h |> count by level' "$log_weeks"
        rounds=1 versus 'count by level in 20 GB' --rss-mib 96 \
            -- "$birl" -j2 -o tsv '* |> count by level' "$log_big" \
            -- "$birl" -j2 -o tsv '* |> count by level' "$log_big"
    fi
}

# beside_duckdb NAME QUERY SQL [OPTION]...: a query over the JSON, and the same over the table `logs`.
beside_duckdb() {
    local name=$1 query=$2 sql=$3
    shift 3
    ((${#duckdb[@]})) || return 0
    local columns="time: 'VARCHAR', level: 'VARCHAR', service: 'VARCHAR', \"user\": 'BIGINT'"
    columns="{$columns, path: 'VARCHAR', ms: 'BIGINT', message: 'VARCHAR'}"
    local logs="read_json('$log_json', format = 'newline_delimited', columns = $columns)"
    versus "$name" "$@" -- "$birl" -j2 --memory 256MiB -o tsv "$query" "$log_json" \
        -- "${duckdb[@]}" "with logs as (from $logs) $sql"
}

# beside_agrind NAME QUERY ITS-QUERY [OPTION]...: it is forty times as slow, and so runs once.
beside_agrind() {
    local name=$1 query=$2 its_query=$3
    shift 3
    [[ -n $agrind ]] || return 0
    rounds=1 versus "$name" --unchecked "$@" -- "$birl" -j2 -o tsv "$query" "$log_json" \
        -- "$agrind" --file "$log_json" "$its_query"
}

compare_lines() {
    versus 'word, 1 % of lines' --at-least 1.6 --rss-mib 32 \
        -- "$birl" -j2 Timeout "$log" -- "$rg" Timeout "$log" -- grep Timeout "$log"
    versus 'word in lower case, any case, 1 %' --at-least 2 --rss-mib 32 \
        -- "$birl" -j2 rejected "$log" -- "$rg" -S rejected "$log" -- grep -i rejected "$log"
    versus 'word, 10 % of lines' \
        -- "$birl" -s heartbeat "$log" -- "$rg" heartbeat "$log" -- grep heartbeat "$log"
    versus 'word, 0.01 % of lines' \
        -- "$birl" -s deadlock "$log" -- "$rg" deadlock "$log" -- grep deadlock "$log"
    versus 'word, no line' \
        -- "$birl" -s kumquat "$log" -- "$rg" kumquat "$log" -- grep kumquat "$log"
    versus 'word, with line numbers' \
        -- "$birl" -n Timeout "$log" -- "$rg" -n Timeout "$log" -- grep -n Timeout "$log"
    versus 'word, count' \
        -- "$birl" -c Timeout "$log" -- "$rg" -c Timeout "$log" -- grep -c Timeout "$log"
    versus 'word, all other lines' \
        -- "$birl" -v -s heartbeat "$log" -- "$rg" -v heartbeat "$log" -- grep -v heartbeat "$log"

    regex 'regex with a literal' 'took [0-9]{4}ms:.* Timeout'
    regex 'regex with a literal at its end' '[a-z]+ deadlock'
    regex 'regex with classes around literals' '[a-z]+-[0-9]=[0-9]{6}'
    regex 'regex without a literal' '[0-9]{6} [a-z]{12}'
    regex 'regex of alternatives' 'Timeout|deadlock|certificate expires'
    versus 'regex, any case' --at-least 1 \
        -- "$birl" '/error .*rejected/' "$log" -- "$rg" -S 'error .*rejected' "$log" \
        -- grep -iE 'error .*rejected' "$log"

    # birl reads no ignore files. Without them ripgrep has less to do, and the same to find.
    versus "word in $files files" --unordered --at-least 1 --rss-mib 32 \
        -- "$birl" -j2 Timeout "$logs" -- "$rg" --no-ignore Timeout "$logs" \
        -- grep -r Timeout "$logs"
    versus "word in $gzip_bytes of text in gzip" --at-least 1.3 --rss-mib 32 \
        -- "$birl" -j2 Timeout "$log_gzip" -- sh -c "zcat '$log_gzip' | '$rg' Timeout" \
        -- sh -c "zcat '$log_gzip' | grep Timeout"
    rounds=51 versus 'word in 10 lines' --within-ms 10 \
        -- "$birl" -s request "$log_small" -- "$rg" request "$log_small" \
        -- grep request "$log_small"
    if [[ -n $big ]]; then
        rounds=1 versus 'word in 20 GB' --rss-mib 32 \
            -- "$birl" -j2 Timeout "$log_big" -- "$rg" Timeout "$log_big"
    fi
}

# regex NAME REGEX: as it stands, without smart case.
regex() {
    versus "$1" --at-least 1 -- "$birl" -s "/$2/" "$log" -- "$rg" "$2" "$log" -- grep -E "$2" "$log"
}

build
find_rivals
generate_all
describe
compare_all
if [[ -n $failed ]]; then
    die 'some outputs differ or commands failed, see above'
fi
