# What follows from the manifest alone. A function that the manifest gains appears everywhere below by itself.

module "manifest" {
  source = "../modules/manifest"

  text = file("${path.root}/../../infra/manifest.json")
}

module "names" {
  source = "../modules/names"

  prefix    = var.prefix
  functions = toset(keys(module.manifest.functions))
}

locals {
  functions = module.manifest.functions

  # Cloud Run's address of a service that need not be asked for: known before the service is there.
  urls = { for function, service in module.names.services : function => "https://${service}-${var.project_number}.${var.region}.run.app" }

  # Whom tokens of the platform's own callers are for.
  audience = "https://${var.domain}/internal"
  callers  = { for caller in ["push", "scheduler"] : caller => "${module.names.accounts[caller]}@${var.project}.iam.gserviceaccount.com" }

  # The relay moves announcements whether somebody asks or not; jobs go on after their caller has had its answer.
  own_sizes = {
    for function, one in local.functions : function => merge(
      length(one.jobs) > 0 ? { cpu_always = true } : {},
      function == "relay" ? { min = 1, cpu_always = true } : {},
    )
  }
  sizes = {
    for function in keys(local.functions) : function => merge(
      var.size,
      local.own_sizes[function],
      { for key, value in try(var.sizes[function], {}) : key => value if value != null },
    )
  }

  # Functions that keep objects say so by reading where.
  keepers = toset([for function, one in local.functions : function if contains(one.settings, "REVALENZ_STORE")])
  bucket  = "${var.project}-objects"

  # Beside functions that ask a scanner; without an image of it they have none, and hand out no file.
  scanned = toset([for function, one in local.functions : function if contains(one.settings, "REVALENZ_CLAMD") && var.clamd_image != null])

  ca_folder = "/etc/revalenz/ca"
  ca_file   = "database.pem"
}

module "settings" {
  source = "../modules/settings"

  functions       = { for function, one in local.functions : function => one.settings }
  secret_settings = module.manifest.secret_settings
  extra           = toset(keys(var.settings))

  values = merge({
    PUBLIC_URL = "https://${var.domain}"
    # The load balancer writes two addresses: the client's and its own.
    REVALENZ_TRUSTED_PROXIES        = "2"
    REVALENZ_BUS                    = "pubsub"
    REVALENZ_PUBSUB_PROJECT         = var.project
    REVALENZ_PUBSUB_PREFIX          = "${var.prefix}-events-"
    REVALENZ_FUNCTION_URLS          = jsonencode(local.urls)
    REVALENZ_STORE                  = "gs://${local.bucket}"
    REVALENZ_CLAMD                  = var.clamd_image == null ? null : "127.0.0.1:3310"
    REVALENZ_INTERNAL_OIDC_AUDIENCE = local.audience
    RUST_LOG                        = var.log_level
  }, var.settings)

  # Each accepts the callers that have a reason to call it, and no others. The relay is handed dead letters.
  own_values = {
    for function, one in local.functions : function => {
      REVALENZ_POOL = tostring(local.sizes[function].pool)
      REVALENZ_INTERNAL_OIDC_ACCOUNTS = join(",", concat(
        one.listens || function == "relay" ? [local.callers.push] : [],
        length(one.jobs) > 0 ? [local.callers.scheduler] : [],
        # A list can't be empty: who is called by nobody accepts the push account, which never comes.
        !one.listens && function != "relay" && length(one.jobs) == 0 ? [local.callers.push] : [],
      ))
    }
  }

  secrets     = merge({ REVALENZ_MASTER_KEY = "master-key" }, { for setting in var.secret_settings : setting => local.optional_secrets[setting] })
  own_secrets = { DATABASE_URL = "database-url" }
}

module "connections" {
  source = "../modules/connections"

  functions = { for function, size in local.sizes : function => { instances = size.max, pool = size.pool } }
  # The migration job, and a person with psql.
  jobs            = { migrate = 2, people = 2 }
  reserved        = var.reserved_connections
  max_connections = var.max_connections
}
