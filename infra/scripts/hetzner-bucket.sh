#!/usr/bin/env bash
# hetzner-bucket.sh BUCKET [LOCATION]: creates a versioned bucket in Hetzner's object storage, with a lifecycle rule that removes
# replaced or deleted objects after a week, and incomplete uploads. Idempotent: a second run sets the same rules again.
# S3_ACCESS_KEY and S3_SECRET_KEY come from Hetzner's console. S3_ENDPOINT selects another store for tests.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

bucket=${1:?usage: hetzner-bucket.sh BUCKET [LOCATION]}
location=${2:-fsn1}
endpoint=${S3_ENDPOINT:-https://$location.your-objectstorage.com}
: "${S3_ACCESS_KEY:?made in the console}" "${S3_SECRET_KEY:?made in the console}"

# ask METHOD PATH [BODY]: prints the status. Keys go through a pipe, not through arguments.
ask() {
  local method=$1 path=$2 body=${3:-} checksum
  checksum=$(printf '%s' "$body" | openssl md5 -binary | openssl base64)
  curl --silent --show-error --output /dev/null --write-out '%{http_code}' --request "$method" \
    --aws-sigv4 "aws:amz:$location:s3" --config <(printf 'user = "%s:%s"\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY") \
    --header "content-md5: $checksum" --header 'content-type: application/xml' --data-binary "$body" "$endpoint/$path"
}

# wanted WHAT STATUS EXPRESSION
wanted() {
  [[ "$2" =~ ^($3)$ ]] || die "$1: the object storage returned $2"
}

# 409: the bucket exists; if it belongs to another account, the rules below fail.
wanted "making $bucket" "$(ask PUT "$bucket")" '200|409'
wanted "versions" "$(ask PUT "$bucket?versioning=" '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>')" '200'
wanted "rules" "$(ask PUT "$bucket?lifecycle=" '<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>gone</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>')" '200'
say "$bucket is ready"
