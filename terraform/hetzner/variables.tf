# Staging and production differ in these and in nothing else: environments/<environment>.tfvars.

variable "environment" {
  description = "staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "staging or production."
  }
}

variable "prefix" {
  description = "Begins the name of everything."
  type        = string
  default     = "revalenz"
}

variable "manifest" {
  description = "What the functions say of themselves; another file only in tests."
  type        = string
  default     = "../../infra/manifest.json"
}

variable "domain" {
  description = "Name under which clients reach the platform; its zone has to be with Hetzner."
  type        = string
}

variable "location" {
  description = "Where everything is."
  type        = string
  default     = "fsn1"
}

variable "network_zone" {
  description = "The location's network zone."
  type        = string
  default     = "eu-central"
}

variable "range" {
  description = "Private addresses."
  type        = string
  default     = "10.20.0.0/24"
}

variable "admin_addresses" {
  description = "Ranges from which operators come by SSH."
  type        = list(string)

  validation {
    condition     = alltrue([for range in var.admin_addresses : can(cidrhost(range, 0)) && !endswith(range, "/0")])
    error_message = "Ranges such as 192.0.2.7/32, and never everybody."
  }
}

variable "ssh_keys" {
  description = "Operator to public key."
  type        = map(string)
}

variable "servers" {
  description = "Name to number (its private address follows; never reused), type, and roles: data (PostgreSQL, RabbitMQ), app (functions, Caddy)."
  type = map(object({
    number = number
    type   = string
    roles  = set(string)
  }))

  validation {
    condition     = length([for server in values(var.servers) : server if contains(server.roles, "data")]) == 1
    error_message = "Exactly one server keeps the data: more than one database is beyond this (README.md)."
  }
  validation {
    condition     = length([for server in values(var.servers) : server if contains(server.roles, "app")]) >= 1
    error_message = "At least one server runs the functions."
  }
  validation {
    condition     = alltrue([for server in values(var.servers) : length(setsubtract(server.roles, ["data", "app"])) == 0 && length(server.roles) > 0])
    error_message = "Roles are data and app."
  }
  validation {
    condition     = length(distinct(values(var.servers)[*].number)) == length(var.servers) && alltrue([for server in values(var.servers) : server.number >= 1 && server.number <= 200])
    error_message = "Numbers from 1 to 200, each once."
  }
}

variable "image" {
  description = "Operating system of new servers."
  type        = string
  default     = "ubuntu-24.04"
}

variable "data_gb" {
  description = "Size of the volume with the database."
  type        = number
}

variable "load_balancer_type" {
  description = "Size of the load balancer."
  type        = string
  default     = "lb11"
}

variable "health_path" {
  description = "What the load balancer asks of every server; public, and answered from the database."
  type        = string
  default     = "/.well-known/jwks.json"
}

variable "registry" {
  description = "Where images come from, without a slash at the end."
  type        = string
}

variable "pool" {
  description = "Connections of each function on each server."
  type        = number
  default     = 4
}

variable "max_connections" {
  description = "What PostgreSQL accepts."
  type        = number
  default     = 100
}

variable "settings" {
  description = "Setting to value, for every function that reads it; see infra/manifest.json. No secrets."
  type        = map(string)
  default     = {}
}

variable "log_level" {
  description = "What functions log."
  type        = string
  default     = "info"
}
