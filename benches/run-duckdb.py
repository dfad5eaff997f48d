#!/usr/bin/env python3
"""Runs a query by DuckDB's Python module, and prints its rows as tab-separated values with a head.

    run-duckdb.py QUERY
    run-duckdb.py --version

It stands in for the command-line shell of DuckDB, where that is not installed.
"""

import sys

import duckdb


def main(query: str) -> None:
    if query == "--version":
        print(duckdb.__version__)
        return
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    result = connection.execute(query)
    write_row(column[0] for column in result.description)
    for row in result.fetchall():
        write_row(row)


def write_row(cells) -> None:
    print(*("" if cell is None else cell for cell in cells), sep="\t")


if __name__ == "__main__":
    main(sys.argv[1])
