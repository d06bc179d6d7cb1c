#!/usr/bin/env bash
# Takes a backup of the governor's audit log: copy, verify, hold the copy against what was verified, compress, encrypt,
# upload. A copy that does not hold is never kept, and nothing is ever in clear beside the data folder once this ends.
#
#   POD=safe-ai-governor-0 GPG_RECIPIENT=security@example.com S3_URI=s3://backups/safeai/audit/ scripts/backup-audit.sh
#   SAFEAI_DATA_DIR=/data GPG_RECIPIENT=… scripts/backup-audit.sh       without Kubernetes, and kept here alone
#
#   POD, NAMESPACE      the governor's pod, and its namespace (default: default); without POD the data folder is here
#   SAFEAI_DATA_DIR     the data folder; in a pod /data
#   BACKUP_DIR          where encrypted backups are kept (default: /backups/safeai)
#   GPG_RECIPIENT       whose key they are encrypted for
#   S3_URI              where they are uploaded to, with a / at its end; empty: nowhere
#   KUBECTL, SAFEAI     the programs, where they have other names
set -euo pipefail
umask 077

NAMESPACE=${NAMESPACE:-default}
POD=${POD:-}
BACKUP_DIR=${BACKUP_DIR:-/backups/safeai}
S3_URI=${S3_URI:-}
KUBECTL=${KUBECTL:-kubectl}
SAFEAI=${SAFEAI:-safeai}
: "${GPG_RECIPIENT:?expected GPG_RECIPIENT, the key to encrypt for}"

if [ -n "$POD" ]; then
  SAFEAI_DATA_DIR=${SAFEAI_DATA_DIR:-/data}
  at_governor() { "$KUBECTL" exec -n "$NAMESPACE" "$POD" -- "$@"; }
else
  : "${SAFEAI_DATA_DIR:?expected SAFEAI_DATA_DIR, the data folder, or POD}"
  at_governor() { "$@"; }
fi
export SAFEAI_DATA_DIR

fail() {
  printf '✗ %s\n' "$*" >&2
  exit 1
}

# The whole log, the oldest part first.
collect() {
  # shellcheck disable=SC2016 # expanded where the log is
  at_governor sh -c '
    cd "$1" || exit 1
    first=$(head -n 1 audit.log)
    number=1
    while [ -f "audit.log.$number.gz" ]; do
      # A rotation that was cut off left a copy of the live file: verifying passes over it, and a backup with both never holds.
      [ "$(gzip -dc "audit.log.$number.gz" | head -n 1)" != "$first" ] || break
      gzip -dc "audit.log.$number.gz" || exit 1
      number=$((number + 1))
    done
    cat audit.log
  ' sh "$SAFEAI_DATA_DIR"
}

mkdir -p "$BACKUP_DIR"
work=$(mktemp -d "$BACKUP_DIR/.backup.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

name="audit_$(date -u +%Y%m%d_%H%M%S).log"
collect >"$work/$name"
at_governor "$SAFEAI" audit --verify --data-dir "$SAFEAI_DATA_DIR" ||
  fail 'the audit log does not hold: no backup was taken'
# What was verified may have grown since it was copied, and is otherwise the same.
collect >"$work/verified"
size=$(wc -c <"$work/$name")
head -c "$size" "$work/verified" | cmp -s - "$work/$name" ||
  fail 'the copy is not the log that was verified: no backup was taken; try again'

gzip -n "$work/$name"
gpg --batch --encrypt --recipient "$GPG_RECIPIENT" --output "$work/$name.gz.gpg" "$work/$name.gz"
backup="$BACKUP_DIR/$name.gz.gpg"
[ ! -e "$backup" ] || fail "$backup is there already"
mv "$work/$name.gz.gpg" "$backup"
if [ -n "$S3_URI" ]; then
  aws s3 cp "$backup" "$S3_URI"
fi
printf '✓ %s\n' "$backup"
