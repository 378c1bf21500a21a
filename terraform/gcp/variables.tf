# Staging and production differ only in these variables: environments/<environment>.tfvars.

# --- location

variable "environment" {
  description = "staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "staging or production."
  }
}

variable "project" {
  description = "Id of the project; each environment has one of its own."
  type        = string
}

variable "project_number" {
  description = "Project number: `gcloud projects describe PROJECT --format 'value(projectNumber)'`."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "Digits only."
  }
}

variable "region" {
  description = "Region of all resources and data."
  type        = string
  default     = "europe-west3"
}

variable "backup_location" {
  description = "Location of the database's backups."
  type        = string
  default     = "eu"
}

variable "domain" {
  description = "Public domain of the platform."
  type        = string
}

variable "manifest" {
  description = "Path of the manifest; changed only in tests."
  type        = string
  default     = "../../infra/manifest.json"
}

variable "prefix" {
  description = "Prefix of every resource name."
  type        = string
  default     = "revalenz"
}

variable "functions_range" {
  description = "Private address range of function instances."
  type        = string
  default     = "10.10.0.0/22"
}

# --- functions

variable "size" {
  description = "Default size of a function; `sizes` overrides it."
  type = object({
    min         = optional(number, 0)
    max         = optional(number, 3)
    pool        = optional(number, 4)
    cpu         = optional(string, "1")
    memory      = optional(string, "512Mi")
    concurrency = optional(number, 80)
    timeout     = optional(string, "30s")
    cpu_always  = optional(bool, false)
  })
  default = {}
}

variable "sizes" {
  description = "Overrides of the size by function."
  type = map(object({
    min         = optional(number)
    max         = optional(number)
    pool        = optional(number)
    cpu         = optional(string)
    memory      = optional(string)
    concurrency = optional(number)
    timeout     = optional(string)
    cpu_always  = optional(bool)
  }))
  default = {}
}

variable "settings" {
  description = "Values of settings, for every function that reads them; see infra/manifest.json. No secrets."
  type        = map(string)
  default     = {}
}

variable "secret_settings" {
  description = "Optional secret settings in use, such as REVALENZ_OIDC_PROVIDERS; add their values manually before applying."
  type        = set(string)
  default     = []
}

variable "log_level" {
  description = "Log filter of the functions."
  type        = string
  default     = "info"
}

variable "placeholder_image" {
  description = "Placeholder image until the first deployment. Responds to everything with 200."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/hello"
}

variable "placeholder_job_image" {
  description = "Placeholder image of the migration job."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/job"
}

variable "smoke_image" {
  description = "Image with curl for readiness checks of new revisions."
  type        = string
  default     = "gcr.io/cloud-builders/curl"
}

variable "clamd_image" {
  description = "Image of clamd with its signatures, by digest. Null: no scanner, and uploaded files cannot be downloaded."
  type        = string
  default     = null

  validation {
    condition     = var.clamd_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.clamd_image))
    error_message = "Must have a digest: ...@sha256:..."
  }
}

# --- database

variable "database_instance" {
  description = "Name of the instance after a restore into a new one. Null: the prefix."
  type        = string
  default     = null
}

variable "database_tier" {
  description = "Machine tier of the database."
  type        = string
}

variable "database_highly_available" {
  description = "Whether there is a standby in another zone."
  type        = bool
}

variable "database_disk_gb" {
  description = "Initial disk size."
  type        = number
  default     = 10
}

variable "database_disk_limit_gb" {
  description = "Maximum disk size for automatic growth."
  type        = number
  default     = 100
}

variable "database_tls" {
  description = "verify-ca: functions verify the database's certificate. require: encryption only."
  type        = string
  default     = "verify-ca"

  validation {
    condition     = contains(["verify-ca", "require"], var.database_tls)
    error_message = "Must be verify-ca or require."
  }
}

variable "max_connections" {
  description = "max_connections of the database; Google recommends a value by memory size."
  type        = number
}

variable "reserved_connections" {
  description = "Connections reserved for administrators and Google's agents."
  type        = number
  default     = 12
}

variable "retained_backups" {
  description = "Number of daily backups to keep."
  type        = number
  default     = 14
}

# --- bus and objects

variable "max_delivery_attempts" {
  description = "Delivery attempts before an event becomes a dead letter: 5 to 100. 20 take about two hours."
  type        = number
  default     = 20
}

variable "deleted_objects_days" {
  description = "Days for which deleted objects can be restored."
  type        = number
  default     = 7
}

variable "upload_origins" {
  description = "Origins of pages that upload directly to the bucket."
  type        = list(string)
  default     = []
}

# --- edge

variable "waf_preview" {
  description = "Whether the preconfigured WAF rules only log (preview mode)."
  type        = bool
  default     = true
}

variable "sign_ins_per_minute" {
  description = "Rate limit of one address for paths under /auth."
  type        = number
  default     = 120
}

variable "requests_per_minute" {
  description = "Rate limit of one address; above the limits of a user (1,200) and a key (6,000)."
  type        = number
  default     = 12000
}

# --- delivery

variable "repository" {
  description = "The connected repository; null: builds are started manually."
  type        = string
  default     = null
}

variable "branch" {
  description = "Regular expression of branches that are rolled out on push."
  type        = string
  default     = null
}

variable "tag" {
  description = "Regular expression of tags that are rolled out."
  type        = string
  default     = null
}

variable "approval" {
  description = "Whether a roll-out needs manual approval."
  type        = bool
  default     = true
}

# --- monitoring

variable "alert_mails" {
  description = "Email addresses for alerts."
  type        = list(string)
}

variable "log_days" {
  description = "Retention of logs, in days."
  type        = number
  default     = 90
}

variable "billing_account" {
  description = "Billing account; null: no budget alert."
  type        = string
  default     = null
}

variable "monthly_euros" {
  description = "Monthly budget; exceeding it sends an alert."
  type        = number
  default     = 300
}
