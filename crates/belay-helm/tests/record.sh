#!/bin/sh
# Records what helm prints for every case beside it. Usage: tests/record.sh /path/to/helm [case…]
helm=$1
shift
cd "$(dirname "$0")/cases" || exit 1
[ $# -gt 0 ] || set -- *
for case in "$@"; do
    (
        cd "$case" || exit 1
        rm -f expected.yaml expected-error.txt
        # One argument a line, so that arguments may hold blanks.
        IFS='
'
        set -f
        # shellcheck disable=SC2046
        if env -u KUBECONFIG HOME=/nonexistent HELM_NAMESPACE=default "$helm" template $(cat args.txt) >out 2>errors; then
            mv out expected.yaml
            rm errors
        else
            sed -n '/^Error: /,$p' errors | sed "s#$PWD/##g" >expected-error.txt
            rm out errors
        fi
    )
done
