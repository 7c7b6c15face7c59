#!/usr/bin/env bash
# links.sh ROOT — each relative link in ROOT's *.md files leads to a file or folder that is there, and each #anchor to a heading.
#
# Reads [text](target) outside of code; skips links with a scheme. Prints what is broken; status 1 if anything is, or if there were no
# links at all to look at.
# shellcheck disable=SC2016 # the backticks are Markdown's
set -euo pipefail
cd "${1:?usage: links.sh ROOT}"

# The anchors of a file's headings, as web hosts make them: lower case, punctuation dropped, blanks to dashes.
anchors() {
    sed -n '/^```/,/^```/d;s/^##* *//p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^[:alnum:] _-]//g;s/ /-/g'
}

links=0
broken=0
while IFS= read -r file; do
    while IFS= read -r target; do
        [[ $target != *://* && $target != mailto:* ]] || continue
        links=$((links + 1))
        path=${target%%#*}
        if [[ -n $path && ! -e $(dirname "$file")/$path ]]; then
            printf '%s: link to %s leads nowhere\n' "$file" "$target"
            broken=$((broken + 1))
        elif [[ $target == *'#'* ]]; then
            page=$file
            [[ -z $path ]] || page=$(dirname "$file")/$path
            if [[ $page == *.md ]] && ! grep -qxF -- "${target#*#}" < <(anchors "$page"); then
                printf '%s: no heading for %s\n' "$file" "$target"
                broken=$((broken + 1))
            fi
        fi
    done < <(sed '/^ *```/,/^ *```/d;s/`[^`]*`//g' "$file" | grep -oE '\]\([^) ]+\)' | sed 's/^](//;s/)$//')
done < <(find . \( -name .git -o -name build -o -name node_modules -o -name .vibesync \) -prune -o -name '*.md' -print | sort)

printf '%s links, %s broken\n' "$links" "$broken"
((links > 0 && broken == 0))
