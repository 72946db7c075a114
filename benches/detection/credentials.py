"""The credential kinds that are planted: provider tokens, random keys, passwords of machines and of people, PEM."""

import base64
import re
from dataclasses import dataclass

import keys
import values
import words

# kind: (variable name, what people call it, template). Only the shape is here: the characters are random.
PROVIDERS = {
    "aws-secret-key": ("AWS_SECRET_ACCESS_KEY", "AWS secret access key", "<40:s>"),
    "github-fine-grained": ("GITHUB_TOKEN", "GitHub token", "github_pat_<22:a>_<59:a>"),
    "gitlab-pat": ("GITLAB_TOKEN", "GitLab token", "glpat-<20:b>"),
    "gitlab-deploy": ("GITLAB_DEPLOY_TOKEN", "GitLab deploy token", "gldt-<20:b>"),
    "gitlab-runner": ("RUNNER_TOKEN", "runner token", "glrt-<20:b>"),
    "slack-bot": ("SLACK_BOT_TOKEN", "Slack bot token", "xoxb-<12:d>-<13:d>-<24:a>"),
    "slack-app": ("SLACK_APP_TOKEN", "Slack app token", "xapp-1-A<10:u>-<13:d>-<64:h>"),
    "slack-webhook": ("SLACK_WEBHOOK_URL", "Slack webhook", "https://hooks.slack.com/services/T<10:u>/B<10:u>/<24:a>"),
    "discord-webhook": ("DISCORD_WEBHOOK", "Discord webhook", "https://discord.com/api/webhooks/<19:d>/<68:b>"),
    "teams-webhook": (
        "TEAMS_WEBHOOK_URL",
        "Teams webhook",
        "https://acme.webhook.office.com/webhookb2/<uuid>@<uuid>" "/IncomingWebhook/<32:h>/<uuid>",
    ),
    "stripe-secret": ("STRIPE_SECRET_KEY", "Stripe key", "sk_" + "live_<24:a>"),
    "stripe-restricted": ("STRIPE_API_KEY", "Stripe restricted key", "rk_" + "live_51<97:a>"),
    "stripe-webhook": ("STRIPE_WEBHOOK_SECRET", "Stripe webhook secret", "whsec_<32:a>"),
    "google-api-key": ("GOOGLE_API_KEY", "Google API key", "AIza<35:b>"),
    "google-oauth-secret": ("GOOGLE_CLIENT_SECRET", "Google client secret", "GOCSPX-<28:b>"),
    "google-refresh": ("GOOGLE_REFRESH_TOKEN", "Google refresh token", "1//0<1:d><100:b>"),
    "openai": ("OPENAI_API_KEY", "OpenAI key", "sk-proj-<74:b>T3BlbkFJ<74:b>"),
    "openai-legacy": ("OPENAI_API_KEY", "OpenAI key", "sk-<20:a>T3BlbkFJ<20:a>"),
    "anthropic": ("ANTHROPIC_API_KEY", "Anthropic key", "sk-ant-api03-<93:b>AA"),
    "huggingface": ("HF_TOKEN", "Hugging Face token", "hf_<34:A>"),
    "groq": ("GROQ_API_KEY", "Groq key", "gsk_<52:a>"),
    "replicate": ("REPLICATE_API_TOKEN", "Replicate token", "r8_<37:a>"),
    "xai": ("XAI_API_KEY", "xAI key", "xai-<80:a>"),
    "perplexity": ("PPLX_API_KEY", "Perplexity key", "pplx-<48:a>"),
    "pypi": ("TWINE_PASSWORD", "upload token", "pypi-AgEIcHlwaS5vcmc<90-120:b>"),
    "rubygems": ("GEM_HOST_API_KEY", "gem push key", "rubygems_<48:h>"),
    "dockerhub": ("DOCKER_PASSWORD", "Docker Hub token", "dckr_pat_<27:b>"),
    "nuget": ("NUGET_API_KEY", "NuGet key", "oy2<43:l>"),
    "twilio-key": ("TWILIO_API_KEY", "Twilio API key", "SK<32:h>"),
    "twilio-auth": ("TWILIO_AUTH_TOKEN", "Twilio auth token", "<32:h>"),
    "sendgrid": ("SENDGRID_API_KEY", "SendGrid key", "SG.<22:b>.<43:b>"),
    "mailgun": ("MAILGUN_API_KEY", "Mailgun key", "key-<32:h>"),
    "mailchimp": ("MAILCHIMP_API_KEY", "Mailchimp key", "<32:h>-us<1:d>"),
    "brevo": ("BREVO_API_KEY", "Brevo key", "xkeysib-<64:h>-<16:a>"),
    "resend": ("RESEND_API_KEY", "Resend key", "re_<8:a>_<24:a>"),
    "postmark": ("POSTMARK_SERVER_TOKEN", "Postmark token", "<uuid>"),
    "digitalocean": ("DIGITALOCEAN_TOKEN", "DigitalOcean token", "dop_v1_<64:h>"),
    "heroku": ("HEROKU_API_KEY", "Heroku key", "HRKU-AA<58:b>"),
    "cloudflare": ("CLOUDFLARE_API_TOKEN", "Cloudflare token", "<40:b>"),
    "fastly": ("FASTLY_API_TOKEN", "Fastly token", "<32:b>"),
    "azure-client-secret": ("AZURE_CLIENT_SECRET", "Azure client secret", "<3:a>8Q~<34:b>"),
    "azure-sas": (
        "AZURE_SAS",
        "SAS token",
        "sv=2023-11-03&ss=b&srt=co&sp=rwdlac&se=2027-01-01T00:00:00Z&spr=https&sig=<43:a>%3D",
    ),
    "google-access": ("GOOGLE_ACCESS_TOKEN", "Google access token", "ya29.a0<150:b>"),
    "azure-devops": ("AZURE_DEVOPS_EXT_PAT", "Azure DevOps token", "<52:l>"),
    "databricks": ("DATABRICKS_TOKEN", "Databricks token", "dapi<32:h>"),
    "doppler": ("DOPPLER_TOKEN", "Doppler token", "dp.pt.<43:a>"),
    "vault": ("VAULT_TOKEN", "Vault token", "hvs.<95:b>"),
    "terraform-cloud": ("TFE_TOKEN", "Terraform Cloud token", "<14:a>.atlasv1.<67:a>"),
    "pulumi": ("PULUMI_ACCESS_TOKEN", "Pulumi token", "pul-<40:h>"),
    "datadog-app": ("DD_APP_KEY", "Datadog application key", "<40:h>"),
    "datadog-api": ("DD_API_KEY", "Datadog API key", "<32:h>"),
    "newrelic": ("NEW_RELIC_API_KEY", "New Relic key", "NRAK-<27:u>"),
    "sentry": ("SENTRY_AUTH_TOKEN", "Sentry token", "sntryu_<64:h>"),
    "pagerduty": ("PAGERDUTY_API_KEY", "PagerDuty key", "u+<18:b>"),
    "telegram": ("TELEGRAM_BOT_TOKEN", "Telegram bot token", "<10:d>:AA<33:b>"),
    "discord-bot": ("DISCORD_TOKEN", "Discord bot token", "MT<24:a>.G<5:a>.<38:b>"),
    "shopify": ("SHOPIFY_ACCESS_TOKEN", "Shopify token", "shpat_<32:h>"),
    "square": ("SQUARE_ACCESS_TOKEN", "Square token", "EAAA<60:b>"),
    "paypal-secret": ("PAYPAL_CLIENT_SECRET", "PayPal secret", "E<79:b>"),
    "razorpay": ("RAZORPAY_KEY_SECRET", "Razorpay secret", "<24:a>"),
    "flutterwave": ("FLW_SECRET_KEY", "Flutterwave key", "FLWSECK-<32:h>-X"),
    "facebook": ("FB_ACCESS_TOKEN", "Facebook token", "EAACEdEose0cBA<150:a>"),
    "twitter-bearer": ("TWITTER_BEARER_TOKEN", "Twitter bearer token", "AAAAAAAAAAAAAAAAAAAAA<90:a>"),
    "dropbox": ("DROPBOX_ACCESS_TOKEN", "Dropbox token", "sl.<135:b>"),
    "figma": ("FIGMA_TOKEN", "Figma token", "figd_<40:b>"),
    "notion": ("NOTION_API_KEY", "Notion key", "ntn_<11:d><35:a>"),
    "linear": ("LINEAR_API_KEY", "Linear key", "lin_api_<40:a>"),
    "atlassian": ("JIRA_API_TOKEN", "Jira token", "ATATT3xFfGF0<171:b>=<8:H>"),
    "airtable": ("AIRTABLE_TOKEN", "Airtable token", "pat<14:a>.<64:h>"),
    "asana": ("ASANA_TOKEN", "Asana token", "1/<16:d>:<32:h>"),
    "postman": ("POSTMAN_API_KEY", "Postman key", "PMAK-<24:h>-<34:h>"),
    "algolia": ("ALGOLIA_ADMIN_KEY", "Algolia admin key", "<32:h>"),
    "launchdarkly": ("LAUNCHDARKLY_SDK_KEY", "LaunchDarkly key", "sdk-<uuid>"),
    "okta": ("OKTA_API_TOKEN", "Okta token", "00<40:b>"),
    "sonar": ("SONAR_TOKEN", "Sonar token", "sqp_<40:h>"),
    "snyk": ("SNYK_TOKEN", "Snyk token", "<uuid>"),
    "circleci": ("CIRCLECI_TOKEN", "CircleCI token", "CCIPAT_<22:a>_<40:h>"),
    "buildkite": ("BUILDKITE_API_TOKEN", "Buildkite token", "bkua_<40:h>"),
    "netlify": ("NETLIFY_AUTH_TOKEN", "Netlify token", "nfp_<36:a>"),
    "vercel": ("VERCEL_TOKEN", "Vercel token", "<24:a>"),
    "supabase": ("SUPABASE_ACCESS_TOKEN", "Supabase token", "sbp_<40:h>"),
    "planetscale": ("PLANETSCALE_TOKEN", "PlanetScale password", "pscale_pw_<43:b>"),
    "tailscale": ("TS_AUTHKEY", "Tailscale key", "tskey-auth-<12:a>CNTRL-<32:a>"),
    "typeform": ("TYPEFORM_TOKEN", "Typeform token", "tfp_<59:b>"),
    "contentful": ("CONTENTFUL_MANAGEMENT_TOKEN", "Contentful token", "CFPAT-<43:b>"),
    "easypost": ("EASYPOST_API_KEY", "EasyPost key", "EZAK<54:a>"),
    "sourcegraph": ("SRC_ACCESS_TOKEN", "Sourcegraph token", "sgp_<40:h>"),
    "dynatrace": ("DT_API_TOKEN", "Dynatrace token", "dt0c01.<24:u>.<64:u>"),
    "adafruit": ("ADAFRUIT_IO_KEY", "Adafruit key", "aio_<28:a>"),
    "zapier-webhook": ("ZAPIER_WEBHOOK", "Zapier hook", "https://hooks.zapier.com/hooks/catch/<7:d>/<7:l>/"),
}
COMPUTED = {
    "github-classic": ("GITHUB_TOKEN", "GitHub token", lambda rng: values.checked(rng, "ghp_", 36)),
    "github-app": ("GH_APP_TOKEN", "GitHub app token", lambda rng: values.checked(rng, "ghs_", 36)),
    "npm": ("NPM_TOKEN", "npm token", lambda rng: values.checked(rng, "npm_", 36)),
    "grafana-service": ("GRAFANA_TOKEN", "Grafana token", values.grafana),
    "grafana-cloud": ("GRAFANA_API_KEY", "Grafana key", values.grafana_cloud),
    "mapbox": ("MAPBOX_SECRET_TOKEN", "Mapbox token", values.mapbox),
    "jwt": ("SERVICE_JWT", "service token", values.jwt),
    "age": ("SOPS_AGE_KEY", "age key", values.age),
    "azure-storage": ("AZURE_STORAGE_KEY", "storage key", lambda rng: base64.b64encode(values.raw(rng, 64)).decode()),
}
KEY_NAMES = """SESSION_SECRET JWT_SECRET API_KEY SECRET_KEY SECRET_KEY_BASE ENCRYPTION_KEY COOKIE_SECRET NEXTAUTH_SECRET
AUTH_TOKEN WEBHOOK_SECRET ACCESS_TOKEN HMAC_KEY MASTER_KEY APP_SECRET CLIENT_SECRET SIGNING_KEY AUTH_SECRET
INTERNAL_API_TOKEN CSRF_SECRET DEPLOY_TOKEN PRIVATE_TOKEN SERVICE_TOKEN OAUTH_CLIENT_SECRET REFRESH_TOKEN_SECRET
STORAGE_SECRET_KEY ADMIN_API_KEY FERNET_KEY APP_KEY CONSUMER_SECRET BOT_TOKEN BEARER_TOKEN HMAC_SECRET TOKEN SECRET
AUTH_KEY JWT_SIGNING_KEY VERIFY_TOKEN PRIVATE_API_KEY API_SECRET API_TOKEN SECRET_TOKEN PERSONAL_ACCESS_TOKEN""".split()
PASSWORD_NAMES = (
    """DB_PASSWORD POSTGRES_PASSWORD MYSQL_ROOT_PASSWORD ADMIN_PASSWORD SMTP_PASSWORD REDIS_PASSWORD DB_PASS
LDAP_BIND_PASSWORD FTP_PASSWORD ROOT_PASSWORD PASSWORD MAIL_PASSWORD RABBITMQ_DEFAULT_PASS DATABASE_PASSWORD
KEYSTORE_PASSWORD SUDO_PASSWORD APP_PASSWORD ELASTIC_PASSWORD MONGO_PASSWORD SFTP_PASS VPN_PASSWORD BACKUP_PASSWD
GRAFANA_ADMIN_PASSWORD MINIO_ROOT_PASSWORD WIFI_PASSWORD PGPASSWORD SMTP_PASS EMAIL_HOST_PASSWORD GPG_PASSPHRASE SSH_PASSPHRASE DB_KENNWORT
MOT_DE_PASSE_DB SENHA_BANCO CONTRASENA_BD USER_PWD MYSQL_PWD ADMIN_PASS""".split()
)
RANDOM = {
    "hex-32": "<32:h>",
    "hex-40": "<40:h>",
    "hex-64": "<64:h>",
    "hex-128": "<128:h>",
    "hex-64-upper": "<64:H>",
    "alnum-24": "<24:a>",
    "alnum-32": "<32:a>",
    "alnum-48": "<48:a>",
    "base64url-43": "<43:b>",
    "uuid-key": "<uuid>",
    "base64-32": 24,
    "base64-44": 32,
    "base64-64": 48,
    "base64-88": 64,
}
PUNCTUATION = "!@#$%^&*-_=+?.,:;~"
PEM = {
    "pem-rsa": keys.rsa,
    "pem-pkcs8": keys.pkcs8,
    "pem-ec": keys.ec,
    "pem-ed25519": keys.ed25519,
    "pem-openssh": keys.openssh,
    "pem-encrypted": keys.legacy_encrypted,
    "pgp-private": keys.pgp,
    "putty": keys.putty,
    "jwk": keys.jwk,
}


@dataclass
class Credential:
    """A value with the name that a person would give it."""

    kind: str
    group: str  # provider, random, password, human or pem
    value: str
    name: str  # UPPER_SNAKE
    noun: str


def named(rng, names):
    """A variable, often with the service that it belongs to in front."""
    name = rng.choice(names)
    return f"{rng.choice(words.SERVICES).upper()}_{name}" if rng.random() < 0.25 else name


def called(name):
    return name.replace("_", " ").lower().replace("pgpassword", "password").replace("passwd", "password")


def generated(rng, size):
    body = values.text(rng, size - 3, values.ALPHABETS["a"] + PUNCTUATION)
    at = rng.randrange(1, size - 2)  # the kind that a policy asks for: a capital, a digit and a sign
    return (
        rng.choice("abcdefghijkmnpqrstuvwxyz")
        + body[:at]
        + rng.choice("!@#$%*-_+?")
        + str(rng.randrange(10))
        + body[at:]
    )


def human(rng):
    """A password as people make them up: words, a year, a sign."""
    word = rng.choice(words.ENGLISH)
    leet = word.translate(str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"}))
    year, sign = rng.randint(2015, 2026), rng.choice("!#.$*?@")
    return rng.choice(
        [
            lambda: f"{rng.choice(words.SEASONS)}{year}{sign}{rng.choice(words.CITIES)}",
            lambda: f"{rng.choice(words.CITIES)}{sign}{rng.randint(10, 9999)}",
            lambda: f"{leet.capitalize()}{rng.choice(words.ENGLISH).capitalize()}{rng.randint(1, 99)}{sign}",
            lambda: f"{rng.choice(words.PETS)}{rng.choice(words.PETS)}{year}",
            lambda: f"{rng.choice(words.TEAMS)}4ever{sign}{rng.randint(1, 99)}",
            lambda: f"I{rng.choice(words.VERBS)}{word.capitalize()}s{rng.randint(10, 999)}{sign}",
            lambda: f"{word}_{rng.choice(words.ENGLISH)}_{rng.randint(10, 999)}",
            lambda: f"{rng.choice('QWXYZK')}{leet}{sign}{sign}{year % 100}{rng.choice('abcdxyz')}",
        ]
    )()


def passphrase(rng, joint):
    parts = rng.sample(words.ENGLISH, rng.randint(4, 5))
    if joint == "-":
        parts[rng.randrange(len(parts))] = rng.choice(parts).capitalize() + str(rng.randrange(100))
    return joint.join(parts)


def make(kind, rng):
    """One credential of a kind."""
    if kind in PROVIDERS or kind in COMPUTED:
        name, noun, template = PROVIDERS.get(kind) or COMPUTED[kind]
        value = values.fill(rng, template) if isinstance(template, str) else template(rng)
        return Credential(kind, "provider", value, name, noun)
    if kind in PEM:
        return Credential(
            kind, "pem", PEM[kind](rng), rng.choice(["SSH_KEY", "TLS_KEY", "PRIVATE_KEY", "DEPLOY_KEY"]), "private key"
        )
    if kind in RANDOM:
        shape, name = RANDOM[kind], named(rng, KEY_NAMES)
        value = values.fill(rng, shape) if isinstance(shape, str) else base64.b64encode(values.raw(rng, shape)).decode()
        return Credential(kind, "random", value, name, called(name))
    name = named(rng, PASSWORD_NAMES)
    if kind == "human":
        return Credential(kind, "human", human(rng), name, called(name))
    if kind.startswith("passphrase"):
        return Credential(kind, "human", passphrase(rng, "-" if kind.endswith("dashes") else " "), name, called(name))
    low, high = map(int, re.findall(r"\d+", kind))
    return Credential(kind, "password", generated(rng, rng.randint(low, high)), name, called(name))


PASSWORDS = ["generated-10-12", "generated-13-16", "generated-17-24"]
HUMAN = ["human", "passphrase-dashes", "passphrase-spaces"]
GROUPS = {
    "provider": [*PROVIDERS, *COMPUTED],
    "random": [*RANDOM],
    "password": PASSWORDS,
    "human": HUMAN,
    "pem": [*PEM],
}
WEIGHTS = {"provider": 40, "random": 22, "password": 20, "human": 15, "pem": 3}
