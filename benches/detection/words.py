"""Word lists and small sentences that make documents look lived in, and human passwords look human."""

ENGLISH = """amber anchor apple april arrow autumn badger bamboo basket beacon blanket breeze bridge butter cactus camel
candle canyon carbon carpet castle cedar cherry cinder clover cobalt coffee comet copper coral cotton cricket crystal
dagger daisy dolphin dragon eagle ember engine falcon feather fern fiddle forest fossil garden ginger glacier granite
hammer harbor hazel hermit honey igloo island ivory jasmine jungle kettle ladder lantern lemon lizard lotus magnet
maple marble meadow melon mirror monkey mustard nectar needle nickel oasis ocean olive onion orange orchid otter
oyster paddle panda paper pepper pickle pigeon planet plasma pocket poplar puzzle quartz rabbit raven ribbon river
rocket saddle salmon sandal shadow silver spider spruce stable sugar summit sunset syrup tango thunder tiger timber
tulip tunnel turtle umbrella valley velvet violet walnut whisper willow window winter yellow zebra zephyr""".split()

CITIES = """Berlin Munich Vienna Zurich Paris Lyon Madrid Lisbon Porto Dublin Leeds Oslo Bergen Malmo Helsinki Tallinn
Riga Warsaw Krakow Prague Budapest Athens Milano Torino Boston Denver Austin Seattle Toronto Quito Lima Osaka Kyoto""".split()

SEASONS = "Spring Summer Autumn Winter January March April June August October Friday Monday Easter Karneval".split()
PETS = "Bella Luna Rocky Simba Felix Mimi Balou Nala Oscar Minka Shadow Buster Daisy Milo".split()
TEAMS = "Arsenal Liverpool Yankees Dodgers Schalke04 Benfica Juventus Lakers Packers Celtics".split()
VERBS = "love hate open drink kick ride feed paint chase find keep hide".split()

PEOPLE = """anna.berg jsmith m.keller priya tom.hale sofia.r dkim oleg.p marta fchen nadia.w luis.ortega hannah.v
bkowalski yuki.t r.osei claire.d amir.n""".split()
ACCOUNTS = """admin root deploy backup svc_app app_rw readonly replicator grafana jenkins ci-bot postgres appuser
billing_svc reporting monitor sftp_sync ldapbind mailer etl_user wp_admin""".split()
SERVICES = """billing ledger invoicing checkout portal gateway catalog search notifier scheduler importer intranet
warehouse reports mailer audit metrics payments booking identity""".split()
DATABASES = "orders ledger crm analytics sessions inventory portal wordpress app_production keycloak gitea".split()
DOMAINS = "corp.example.net example.com internal.example.org acme.example lan.example.net prod.example.io".split()
HOSTS = (
    "db1 db-primary pg01 mysql-2 redis-0 mail smtp ftp git registry vault jump bastion app3 mq01 ldap nas files".split()
)

TITLES = [
    "Database Failover Runbook",
    "Session Cleanup Procedure",
    "Onboarding Notes for the Platform Team",
    "Incident Report: Checkout Outage",
    "Deployment Guide",
    "Backup and Restore",
    "Handover Notes",
    "Migration of the Auth Service",
    "Staging Environment Setup",
    "Release Checklist",
    "On-call Handbook",
    "Mail Relay Configuration",
    "Monitoring Setup",
    "Disaster Recovery Plan",
    "VPN and Jump Host Access",
    "Payment Gateway Integration",
    "Nightly Import Jobs",
    "Identity Provider Cut-over",
    "Emergency Rotation Report",
]
HEADINGS = [
    "Overview",
    "Prerequisites",
    "Configuration",
    "Step 1: Prepare",
    "Step 2: Apply",
    "Step 3: Verify",
    "Rollback",
    "Environment Variables",
    "Access",
    "Troubleshooting",
    "Monitoring",
    "Known Issues",
    "Timeline",
    "Impact",
    "Root Cause",
    "Next Steps",
    "Contacts",
    "Notes",
    "Local Development",
    "Production",
    "Staging",
    "Credentials",
    "Integrations",
    "Security Considerations",
    "Maintenance",
    "Appendix",
    "✅ Verification",
]
SENTENCES = [
    "Run this before every release and compare the result with the previous one.",
    "The {service} service restarts by itself when the health check fails three times.",
    "All timestamps are UTC. The window is Sunday 02:00 to 04:00.",
    "Ask {person} before you touch the {service} queue on {host}.",
    "Sessions that are older than thirty days are deleted by the nightly job.",
    "The {service} deployment is blocked while a migration is running.",
    "We moved {service} from the old cluster to {host} in March and kept the old DNS name.",
    "If the replica lags more than ten minutes, stop the importer and page the on-call engineer.",
    "Every change needs two approvals, one of them from the platform team.",
    "Secrets belong in the vault, never in this document.",
    "Rotate the credentials after the drill and write the date into the change log.",
    "Passwords expire after 90 days; users get a mail seven days earlier.",
    "Tokens are issued by the identity provider and are valid for one hour.",
    "The API answers 401 without a token and 403 with a token that lacks the scope.",
    "Duplicate session tokens point to a broken cache; see the monitoring queries below.",
    "Nothing in staging talks to production, apart from the read-only metrics proxy.",
    "The script asks for the database password on the terminal and does not echo it.",
    "Check that the environment variables are set, then start the workers one after the other.",
]
BULLETS = [
    "**Status:** ✅ Resolved",
    "**Owner:** {person}",
    "Restart `{service}-worker` on `{host}`",
    'Verify that `/api/health` returns `{{"status":"healthy"}}`',
    "Watch the dashboards for fifteen minutes",
    "`DATABASE_URL` - connection of the production database",
    "`SESSION_SECRET` - used to sign cookies",
    "[ ] Notify the team in #ops",
    "Take a full backup first",
    "Max session lifetime: 24 hours",
    "Cookies: `httpOnly: true, secure: true, sameSite: 'lax'`",
    "`npm run db:seed` recreates the test users",
]
FENCES = [
    ("bash", "kubectl -n {service} get pods\nkubectl -n {service} rollout restart deploy/{service}"),
    ("bash", "systemctl status {service}\njournalctl -u {service} --since '10 min ago'"),
    ("sql", "SELECT count(*) FROM sessions WHERE expires < now();\nDELETE FROM sessions WHERE expires < now();"),
    ("bash", "curl -fsS https://{host}/api/health"),
    ("json", '{{\n  "service": "{service}",\n  "replicas": 3,\n  "maxAge": 86400\n}}'),
    ("yaml", "replicas: 2\nimage: {service}:1.14.2\nresources:\n  limits:\n    memory: 512Mi"),
]
FLAT = {  # one word for "password" and one for "token" in languages that people write documents in
    "de": ("Passwort", "Schlüssel"),
    "fr": ("Mot de passe", "Jeton"),
    "es": ("Contraseña", "Clave"),
    "it": ("Password", "Chiave"),
    "pt": ("Senha", "Chave"),
    "nl": ("Wachtwoord", "Sleutel"),
    "pl": ("Hasło", "Klucz"),
    "ru": ("Пароль", "Токен"),
    "ja": ("パスワード", "トークン"),
    "zh": ("密码", "令牌"),
    "tr": ("Şifre", "Anahtar"),
    "sv": ("Lösenord", "Nyckel"),
    "cs": ("Heslo", "Klíč"),
    "ko": ("비밀번호", "토큰"),
}


def fill(rng, text):
    """Puts a service, a host and a person into a sentence."""
    return text.format(service=rng.choice(SERVICES), person=rng.choice(PEOPLE), host=host(rng))


def host(rng):
    return f"{rng.choice(HOSTS)}.{rng.choice(DOMAINS)}"
