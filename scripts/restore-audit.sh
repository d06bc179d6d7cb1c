#!/usr/bin/env bash
# Puts a backup of the audit log back: download, decrypt, `safeai audit restore`, verify. A backup that does not hold
# changes nothing.
#
#   POD=safe-ai-governor-0 S3_URI=s3://backups/safeai/audit/ scripts/restore-audit.sh audit_20260101_000000.log.gz.gpg
#   SAFEAI_DATA_DIR=/data scripts/restore-audit.sh /backups/safeai/audit_20260101_000000.log.gz.gpg
#
# The backup is a file that is here, else a name below S3_URI. The rest is as for backup-audit.sh.
set -euo pipefail
umask 077

NAMESPACE=${NAMESPACE:-default}
POD=${POD:-}
S3_URI=${S3_URI:-}
KUBECTL=${KUBECTL:-kubectl}
SAFEAI=${SAFEAI:-safeai}
backup=${1:?expected the name of a backup, such as audit_20260101_000000.log.gz.gpg}

if [ -n "$POD" ]; then
  SAFEAI_DATA_DIR=${SAFEAI_DATA_DIR:-/data}
  at_governor() { "$KUBECTL" exec -i -n "$NAMESPACE" "$POD" -- "$@"; }
else
  : "${SAFEAI_DATA_DIR:?expected SAFEAI_DATA_DIR, the data folder, or POD}"
  at_governor() { "$@"; }
fi
export SAFEAI_DATA_DIR

work=$(mktemp -d)
there=''
cleanup() {
  rm -rf "$work"
  [ -z "$there" ] || at_governor rm -f "$there" </dev/null || true
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

if [ ! -f "$backup" ]; then
  [ -n "$S3_URI" ] || {
    printf '✗ expected %s to be here, or S3_URI to download it from\n' "$backup" >&2
    exit 1
  }
  aws s3 cp "$S3_URI$backup" "$work/backup"
  backup=$work/backup
fi
gpg --batch --quiet --decrypt "$backup" | gzip -dc >"$work/audit.log"

file=$work/audit.log
if [ -n "$POD" ]; then
  there=$(at_governor mktemp </dev/null)
  # shellcheck disable=SC2016 # expanded in the pod
  at_governor sh -c 'cat >"$1"' sh "$there" <"$file"
  file=$there
fi
at_governor "$SAFEAI" audit restore "$file" --data-dir "$SAFEAI_DATA_DIR" </dev/null
at_governor "$SAFEAI" audit --verify --data-dir "$SAFEAI_DATA_DIR" </dev/null
