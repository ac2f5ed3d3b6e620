#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the demo, and leaves in a folder what has come out, the table, and a page that shows how.
# usage: demo.sh PROGRAM FOLDER [FILE]		FILE: a PNG or a Y4M video; without it a test card
set -eu

program=$1 folder=$2 file=${3:-}
output=$folder/frames
if [ -n "$file" ] && [ "$(head -c 9 "$file" 2>/dev/null | tr -d '\0')" = YUV4MPEG2 ]; then
    output=$folder/video.y4m
fi

# What an earlier run has left is not to be taken for what this one makes.
rm -rf "$folder/frames"
rm -f "$folder/video.y4m" "$folder/report.html" "$folder/table.txt"
mkdir -p "$folder"

status=0
"$program" demo ${file:+--input "$file"} --output "$output" --report "$folder/report.html" \
    >"$folder/table.txt" || status=$?
cat "$folder/table.txt"
if [ "$status" -eq 0 ]; then
    echo "The frames are in $output, the report is $folder/report.html."
fi
exit "$status"
