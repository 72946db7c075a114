"""Random values that are no secrets, under names that say so: ids, revisions, digests, public halves of keys.

They stand in the same assignments, tables and lists as secrets do; only what they are called tells them apart.
"""

import re

SHAPES = {
    "<40:h>": """GIT_COMMIT COMMIT_SHA REVISION SOURCE_REVISION BUILD_REVISION GIT_SHA HEAD_COMMIT PARENT_COMMIT CACHE_KEY
OBJECT_ID TREE_HASH CONTENT_HASH SHA1 FINGERPRINT KEY_FINGERPRINT CERT_THUMBPRINT THUMBPRINT INFO_HASH""",
    "<32:h>": """MD5 MD5SUM ETAG CHECKSUM FILE_HASH CONTENT_MD5 TRACE_ID CACHE_KEY ASSET_HASH DATASET_ID ZONE_ID ACCOUNT_ID
RUN_ID BUILD_ID SNAPSHOT_HASH SERIAL_NUMBER MACHINE_ID""",
    "<64:h>": """SHA256 CHECKSUM SHA256SUM IMAGE_DIGEST DIGEST BLOCK_HASH TX_HASH GENESIS_HASH MERKLE_ROOT CONTAINER_ID
FILE_CHECKSUM ARTIFACT_HASH LAYER_DIGEST CERT_FINGERPRINT TRANSACTION_ID""",
    "<128:h>": "SHA512 CHECKSUM_SHA512 ARTIFACT_SHA512 DIGEST",
    "<uuid>": """TENANT_ID CLIENT_ID USER_ID REQUEST_ID CORRELATION_ID SUBSCRIPTION_ID DEVICE_ID ORDER_ID IDEMPOTENCY_KEY
SESSION_UUID WORKSPACE_ID PARTITION_UUID VOLUME_ID KEY_ID SECRET_VERSION_ID TOKEN_ID JOB_ID PROJECT_UUID DASHBOARD_UID""",
    "<16:h>": "SPAN_ID SHORT_ID NODE_ID MEMBER_ID KEY_ID GPG_KEY_ID SIGNING_KEY_ID",
    "<20:l>": "CLIENT_ID APP_ID USER_POOL_ID CLUSTER_ID DISTRIBUTION_ID RESOURCE_ID",
    "<26:u>": "ULID EVENT_ID MESSAGE_ID",
    "<43:b>": "SITE_VERIFICATION CODE_CHALLENGE JWK_THUMBPRINT KID",
    "<b64:32>": "PUBLIC_KEY WG_PUBLIC_KEY SHA256_BASE64 PEER_PUBLIC_KEY VAPID_PUBLIC_KEY KNOWN_HOST_KEY",
    "sha256:<64:h>": "IMAGE_DIGEST CONFIG_DIGEST DIGEST BASE_IMAGE",
    "sha512-<b64:64>": "INTEGRITY SRI_HASH",
    "SHA256:<43:s>": "HOST_KEY_FINGERPRINT SSH_FINGERPRINT",
    "pk_" + "live_<24:a>": "STRIPE_PUBLISHABLE_KEY PUBLISHABLE_KEY STRIPE_PUBLIC_KEY",
    "<12:d>": "AWS_ACCOUNT_ID PROJECT_NUMBER SENDER_ID",
    "arn:aws:kms:eu-central-1:<12:d>:key/<uuid>": "KMS_KEY_ARN KMS_KEY",
    "projects/acme/secrets/db/versions/<1:d>": "SECRET_RESOURCE SECRET_NAME",
    "UA-<8:d>-1": "TRACKING_ID",
    "2024<4:d>T<6:d>Z-<8:h>": "BACKUP_ID SNAPSHOT_ID RELEASE",
    "v1.<2:d>.<1:d>-rc.1+<7:h>": "VERSION APP_VERSION",
    "AES256-GCM-HKDF-SHA512": "CIPHER_SUITE KEY_ALGORITHM TOKEN_ALGORITHM",
    "urn:ietf:params:oauth:token-type:access_token": "TOKEN_TYPE SUBJECT_TOKEN_TYPE",
    "/etc/ssl/private/app-2024.key": "TLS_KEY_PATH KEY_FILE",
    "kv/prod/app#db_password": "SECRET_PATH",
    "X-Forwarded-Access-Token": "TOKEN_HEADER",
    "__Secure-next-auth.session-token": "SESSION_COOKIE_NAME",
    "passwords.policy.minimum-length-v2": "TRANSLATION_KEY FEATURE_FLAG",
    "orders:by-customer:{tenant}:2024": "REDIS_KEY_PATTERN CACHE_KEY",
    "customer_id,order_id,created_at": "SORT_KEYS PRIMARY_KEYS",
}
# A template that itself calls the value a secret would make a different claim; one that names nothing makes none.
CLAIMS = """«word»|«Word»|«foreign»|assw|[Pp]ass:|pass=|_pass|ssh_|become|[Ss]ecret|[Tt]oken|Auth|-u |pwd|[Pp][Ww][: ]|PASS|[Kk]ey:|api_|API
://|sudo|[Ll]og ?in|creds|redentia|IDENTIFIED|Basic|not share|asked for|redis""".replace(
    "\n", "|"
)
NAMES = "«(NAME|name|camel|Camel|kebab|dot|noun|Noun|Title)»"


def fits(template):
    return re.search(NAMES, template) is not None and re.search(CLAIMS, template) is None


def choose(rng):
    """(name, template of a value)."""
    shape = rng.choice(list(SHAPES))
    return rng.choice(SHAPES[shape].split()), shape
