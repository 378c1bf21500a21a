# Staging and production differ only in these variables: environments/<environment>.tfvars.

variable "environment" {
  description = "staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "staging or production."
  }
}

variable "prefix" {
  description = "Prefix of every resource name."
  type        = string
  default     = "revalenz"
}

variable "manifest" {
  description = "Path of the manifest; changed only in tests."
  type        = string
  default     = "../../infra/manifest.json"
}

variable "domain" {
  description = "Public domain of the platform; its DNS zone must be at Hetzner."
  type        = string
}

variable "location" {
  description = "Location of all resources."
  type        = string
  default     = "fsn1"
}

variable "network_zone" {
  description = "The location's network zone."
  type        = string
  default     = "eu-central"
}

variable "range" {
  description = "Private address range."
  type        = string
  default     = "10.20.0.0/24"
}

variable "admin_addresses" {
  description = "Address ranges with SSH access."
  type        = list(string)

  validation {
    condition     = alltrue([for range in var.admin_addresses : can(cidrhost(range, 0)) && !endswith(range, "/0")])
    error_message = "Address ranges such as 192.0.2.7/32; not 0.0.0.0/0."
  }
}

variable "ssh_keys" {
  description = "SSH public keys by operator."
  type        = map(string)
}

variable "servers" {
  description = "Servers by name: number (determines the private address, never reused), type, and roles: data (PostgreSQL, RabbitMQ), app (functions, Caddy)."
  type = map(object({
    number = number
    type   = string
    roles  = set(string)
  }))

  validation {
    condition     = length([for server in values(var.servers) : server if contains(server.roles, "data")]) == 1
    error_message = "Exactly one server must have the role data (see README.md)."
  }
  validation {
    condition     = length([for server in values(var.servers) : server if contains(server.roles, "app")]) >= 1
    error_message = "At least one server must have the role app."
  }
  validation {
    condition     = alltrue([for server in values(var.servers) : length(setsubtract(server.roles, ["data", "app"])) == 0 && length(server.roles) > 0])
    error_message = "Roles must be data or app."
  }
  validation {
    condition     = length(distinct(values(var.servers)[*].number)) == length(var.servers) && alltrue([for server in values(var.servers) : server.number >= 1 && server.number <= 200])
    error_message = "Numbers must be unique, from 1 to 200."
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
  description = "Type of the load balancer."
  type        = string
  default     = "lb11"
}

variable "health_path" {
  description = "Health check path of the load balancer; public, reads from the database."
  type        = string
  default     = "/.well-known/jwks.json"
}

variable "registry" {
  description = "Image registry, without a trailing slash."
  type        = string
}

variable "pool" {
  description = "Connections of each function on each server."
  type        = number
  default     = 4
}

variable "max_connections" {
  description = "max_connections of PostgreSQL."
  type        = number
  default     = 100
}

variable "settings" {
  description = "Values of settings, for every function that reads them; see infra/manifest.json. No secrets."
  type        = map(string)
  default     = {}
}

variable "log_level" {
  description = "Log filter of the functions."
  type        = string
  default     = "info"
}
