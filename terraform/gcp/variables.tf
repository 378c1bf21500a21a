# Staging and production differ in these and in nothing else: environments/<environment>.tfvars.

# --- where

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
  description = "Its number: `gcloud projects describe PROJECT --format 'value(projectNumber)'`."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "Digits alone."
  }
}

variable "region" {
  description = "Where everything runs and everything is kept."
  type        = string
  default     = "europe-west3"
}

variable "backup_location" {
  description = "Where the database's backups are kept."
  type        = string
  default     = "eu"
}

variable "domain" {
  description = "Name under which clients reach the platform."
  type        = string
}

variable "manifest" {
  description = "What the functions say of themselves; another file only in tests."
  type        = string
  default     = "../../infra/manifest.json"
}

variable "prefix" {
  description = "Begins the name of everything."
  type        = string
  default     = "revalenz"
}

variable "functions_range" {
  description = "Private addresses of function instances."
  type        = string
  default     = "10.10.0.0/22"
}

# --- functions

variable "size" {
  description = "A function's size, where `sizes` says nothing else."
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
  description = "Function to what differs."
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
  description = "Setting to value, for every function that reads it; see infra/manifest.json. No secrets."
  type        = map(string)
  default     = {}
}

variable "secret_settings" {
  description = "Optional secret settings that are in use, such as REVALENZ_OIDC_PROVIDERS; their values are put in by hand before."
  type        = set(string)
  default     = []
}

variable "log_level" {
  description = "What functions log."
  type        = string
  default     = "info"
}

variable "placeholder_image" {
  description = "What runs until the pipeline brings the first image. Answers 200 to everything, keeps nothing."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/hello"
}

variable "placeholder_job_image" {
  description = "The same for the migration job."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/job"
}

variable "smoke_image" {
  description = "An image with curl, by which a new revision is asked whether it is ready."
  type        = string
  default     = "gcr.io/cloud-builders/curl"
}

variable "clamd_image" {
  description = "Image of clamd with its signatures, by digest. Null: there is no scanner, and no uploaded file is handed out."
  type        = string
  default     = null

  validation {
    condition     = var.clamd_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.clamd_image))
    error_message = "By digest: ...@sha256:..."
  }
}

# --- database

variable "database_instance" {
  description = "Name of the instance, when a restored one has taken the place of the first. Null: the prefix."
  type        = string
  default     = null
}

variable "database_tier" {
  description = "Size of the database's machine."
  type        = string
}

variable "database_highly_available" {
  description = "Whether a second machine stands by in another zone."
  type        = bool
}

variable "database_disk_gb" {
  description = "Its disk at the beginning."
  type        = number
  default     = 10
}

variable "database_disk_limit_gb" {
  description = "How far the disk grows by itself."
  type        = number
  default     = 100
}

variable "database_tls" {
  description = "verify-ca: functions know the database by its certificate. require: encrypted alone."
  type        = string
  default     = "verify-ca"

  validation {
    condition     = contains(["verify-ca", "require"], var.database_tls)
    error_message = "verify-ca or require."
  }
}

variable "max_connections" {
  description = "What the database accepts; Google advises by memory."
  type        = number
}

variable "reserved_connections" {
  description = "Kept for administrators and Google's agents."
  type        = number
  default     = 12
}

variable "retained_backups" {
  description = "Daily backups that are kept."
  type        = number
  default     = 14
}

# --- bus and objects

variable "max_delivery_attempts" {
  description = "Tries before an event is a dead letter: 5 to 100. 20 last about two hours."
  type        = number
  default     = 20
}

variable "deleted_objects_days" {
  description = "Days for which a deleted object can be had back."
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
  description = "Whether the firewall's ready-made rules only tell what they would refuse."
  type        = bool
  default     = true
}

variable "sign_ins_per_minute" {
  description = "Requests below /auth of one address."
  type        = number
  default     = 120
}

variable "requests_per_minute" {
  description = "Requests of one address: above what a user (1,200) and a key (6,000) may."
  type        = number
  default     = 12000
}

# --- delivery

variable "repository" {
  description = "The connected repository; null: builds are started by hand."
  type        = string
  default     = null
}

variable "branch" {
  description = "Expression of the branches whose pushes are rolled out."
  type        = string
  default     = null
}

variable "tag" {
  description = "Expression of the tags that are rolled out."
  type        = string
  default     = null
}

variable "approval" {
  description = "Whether a person has to say yes first."
  type        = bool
  default     = true
}

# --- watching

variable "alert_mails" {
  description = "Who is told."
  type        = list(string)
}

variable "log_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 90
}

variable "billing_account" {
  description = "Which account pays; null: no budget is watched."
  type        = string
  default     = null
}

variable "monthly_euros" {
  description = "What a month may cost before somebody is told."
  type        = number
  default     = 300
}
