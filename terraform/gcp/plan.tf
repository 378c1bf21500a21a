# Values derived from the manifest. A new function appears everywhere below automatically.

module "manifest" {
  source = "../modules/manifest"

  text = file("${path.root}/${var.manifest}")
}

module "names" {
  source = "../modules/names"

  prefix    = var.prefix
  functions = toset(keys(module.manifest.functions))
}

locals {
  functions = module.manifest.functions

  # Cloud Run's deterministic URL of a service, known before the service exists.
  urls = { for function, service in module.names.services : function => "https://${service}-${var.project_number}.${var.region}.run.app" }

  # Audience of tokens of internal callers.
  audience = "https://${var.domain}/internal"
  callers  = { for caller in ["push", "scheduler"] : caller => "${module.names.accounts[caller]}@${var.project}.iam.gserviceaccount.com" }

  # Pub/Sub pushes events to subscribers and dead letters to the relay; Cloud Scheduler calls functions with jobs.
  accepted = {
    for function, one in local.functions : function => concat(
      one.listens || function == "relay" ? [local.callers.push] : [],
      length(one.jobs) > 0 ? [local.callers.scheduler] : [],
    )
  }

  # Functions that store objects read the setting of the bucket.
  keepers = toset([for function, one in local.functions : function if length(setintersection(one.settings, ["REVALENZ_GCS_BUCKET", "REVALENZ_S3_BUCKET"])) > 0])
  bucket  = "${var.project}-objects"
  # Functions that support only S3 use Cloud Storage's S3 API with an HMAC key.
  by_s3 = toset([for function in local.keepers : function if !contains(local.functions[function].settings, "REVALENZ_GCS_BUCKET")])

  # Sidecar of functions that scan files; without an image there is no scanner, and files cannot be downloaded.
  scanned = toset([for function, one in local.functions : function if contains(one.settings, "REVALENZ_CLAMD") && var.clamd_image != null])

  ca_folder = "/etc/revalenz/ca"
  ca_file   = "database.pem"
}

locals {
  s3_secrets = { REVALENZ_S3_ACCESS_KEY = "s3-access-key", REVALENZ_S3_SECRET_KEY = "s3-secret-key" }
}

module "sizes" {
  source = "../modules/sizes"

  jobs    = { for function, one in local.functions : function => one.jobs }
  streams = local.keepers
  common  = var.size
  own     = var.sizes
}

module "settings" {
  source = "../modules/settings"

  functions       = { for function, one in local.functions : function => one.settings }
  secret_settings = module.manifest.secret_settings
  extra           = setunion(keys(var.settings), var.secret_settings)

  values = merge({
    PUBLIC_URL           = "https://${var.domain}"
    GOOGLE_CLOUD_PROJECT = var.project
    # The load balancer adds two addresses: the client's and its own.
    REVALENZ_TRUSTED_PROXIES = "2"
    REVALENZ_BUS             = "pubsub"
    # Followed by the name of the subscribing function.
    REVALENZ_PUBSUB_TOPICS = "projects/${var.project}/topics/${var.prefix}-events-"
    REVALENZ_FUNCTION_URLS = jsonencode(local.urls)
    REVALENZ_GCS_BUCKET    = local.bucket
    # Without an image there is no scanner, and files that were not scanned cannot be downloaded.
    REVALENZ_CLAMD = "127.0.0.1:3310"
    RUST_LOG       = var.log_level
  }, var.settings)

  # Each function accepts only the callers it needs.
  own_values = {
    for function in keys(local.functions) : function => {
      REVALENZ_POOL                   = tostring(module.sizes.sizes[function].pool)
      REVALENZ_INTERNAL_OIDC_AUDIENCE = length(local.accepted[function]) > 0 ? local.audience : null
      REVALENZ_INTERNAL_OIDC_ACCOUNTS = length(local.accepted[function]) > 0 ? join(",", local.accepted[function]) : null
      REVALENZ_S3_BUCKET              = contains(local.by_s3, function) ? local.bucket : null
      REVALENZ_S3_ENDPOINT            = contains(local.by_s3, function) ? "https://storage.googleapis.com" : null
      REVALENZ_S3_REGION              = contains(local.by_s3, function) ? var.region : null
    }
  }

  secrets = merge({ REVALENZ_MASTER_KEY = "master-key" }, { for setting in var.secret_settings : setting => local.optional_secrets[setting] })
  own_secrets = merge(
    { DATABASE_URL = "database-url" },
    length(local.by_s3) > 0 ? local.s3_secrets : null,
  )
}

module "connections" {
  source = "../modules/connections"

  functions = { for function, size in module.sizes.sizes : function => { instances = size.max, pool = size.pool } }
  # The migration job, and an operator with psql.
  jobs            = { migrate = 2, people = 2 }
  reserved        = var.reserved_connections
  max_connections = var.max_connections
}
