# All resources of the platform on Google Cloud. IAM bindings are in the modules, next to the resources they protect.

resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudkms", "cloudscheduler", "compute", "iam", "logging", "monitoring",
    "pubsub", "run", "secretmanager", "servicenetworking", "sqladmin", "storage",
  ])

  service = "${each.key}.googleapis.com"
  # Disabling an API deletes its resources.
  disable_on_destroy = false
}

module "network" {
  source = "./modules/network"

  prefix          = var.prefix
  region          = var.region
  functions_range = var.functions_range

  depends_on = [google_project_service.this]
}

module "database" {
  source = "./modules/database"

  name             = coalesce(var.database_instance, var.prefix)
  region           = var.region
  network          = module.network.network
  address_range    = module.network.address_range
  peering          = module.network.peering
  database         = "revalenz"
  tier             = var.database_tier
  highly_available = var.database_highly_available
  disk_gb          = var.database_disk_gb
  disk_limit_gb    = var.database_disk_limit_gb
  max_connections  = module.connections.budget.max_connections
  retained_backups = var.retained_backups
  backup_location  = var.backup_location
}

module "service" {
  source   = "./modules/service"
  for_each = local.functions

  name              = module.names.services[each.key]
  account           = google_service_account.function[each.key]
  about             = each.value.about
  region            = var.region
  placeholder_image = var.placeholder_image
  deployer          = module.delivery.build_account
  network           = module.network.network
  subnetwork        = module.network.subnetwork
  size              = module.sizes.sizes[each.key]
  values            = module.settings.values[each.key]
  secrets           = { for setting, secret in module.settings.secrets[each.key] : setting => local.filled[secret] }
  ca_secret         = google_secret_manager_secret_version.database_ca.secret
  ca_folder         = local.ca_folder
  ca_file           = local.ca_file

  sidecar = contains(local.scanned, each.key) ? {
    name   = "clamd"
    image  = var.clamd_image
    port   = 3310
    cpu    = "1"
    memory = "2Gi"
  } : null
}

module "bus" {
  source = "./modules/bus"

  prefix                = var.prefix
  project_number        = var.project_number
  regions               = [var.region]
  listeners             = { for function in module.manifest.listeners : function => { url = local.urls[function] } }
  relay_url             = local.urls["relay"]
  relay_account         = google_service_account.function["relay"].email
  push_account          = module.names.accounts["push"]
  audience              = local.audience
  max_delivery_attempts = var.max_delivery_attempts

  depends_on = [google_project_service.this]
}

module "storage" {
  source = "./modules/storage"

  prefix          = var.prefix
  project         = var.project
  project_number  = var.project_number
  region          = var.region
  bucket          = local.bucket
  noncurrent_days = var.deleted_objects_days
  origins         = var.upload_origins
  users           = { for function in local.keepers : function => google_service_account.function[function].email }

  depends_on = [google_project_service.this]
}

module "scheduler" {
  source = "./modules/scheduler"

  prefix   = var.prefix
  region   = var.region
  account  = module.names.accounts["scheduler"]
  audience = local.audience
  urls     = local.urls
  jobs     = module.manifest.jobs

  depends_on = [google_project_service.this]
}

module "edge" {
  source = "./modules/edge"

  prefix              = var.prefix
  region              = var.region
  domain              = var.domain
  waf_preview         = var.waf_preview
  sign_ins_per_minute = var.sign_ins_per_minute
  requests_per_minute = var.requests_per_minute

  functions = {
    for function, one in local.functions : function => {
      service    = module.service[function].name
      prefixes   = one.prefixes
      root_paths = one.root_paths
    }
  }
}

module "delivery" {
  source = "./modules/delivery"

  prefix                = var.prefix
  project               = var.project
  environment           = var.environment
  region                = var.region
  build_account         = module.names.accounts["build"]
  migrate_account       = module.names.accounts["migrate"]
  smoke_account         = module.names.accounts["smoke"]
  placeholder_job_image = var.placeholder_job_image
  smoke_image           = var.smoke_image
  network               = module.network.network
  subnetwork            = module.network.subnetwork
  ca_secret             = google_secret_manager_secret_version.database_ca.secret
  ca_folder             = local.ca_folder
  ca_file               = local.ca_file
  repository            = var.repository
  branch                = var.branch
  tag                   = var.tag
  approval              = var.approval

  migrate_secrets = {
    DATABASE_URL             = local.filled["migrate-database-url"]
    REVALENZ_LOGIN_PASSWORDS = local.filled["login-passwords"]
  }

  substitutions = {
    _REGION         = var.region
    _PREFIX         = var.prefix
    _PROJECT_NUMBER = var.project_number
  }
}

module "observability" {
  source = "./modules/observability"

  prefix            = var.prefix
  project           = var.project
  project_number    = var.project_number
  environment       = var.environment
  domain            = var.domain
  url_map           = var.prefix
  database_instance = module.database.instance
  max_connections   = var.max_connections
  alert_mails       = var.alert_mails
  log_days          = var.log_days
  billing_account   = var.billing_account
  monthly_euros     = var.monthly_euros

  depends_on = [google_project_service.this]
}
