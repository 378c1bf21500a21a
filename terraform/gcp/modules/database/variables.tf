variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
}

variable "network" {
  description = "Id of the private network."
  type        = string
}

variable "address_range" {
  description = "Name of the reserved address range."
  type        = string
}

variable "peering" {
  description = "Id of the peering with Google's network, which the instance depends on."
  type        = string
}

variable "database" {
  description = "Name of the database."
  type        = string
}

variable "tier" {
  description = "Machine tier."
  type        = string
}

variable "highly_available" {
  description = "Whether a standby in another zone takes over on failure."
  type        = bool
}

variable "disk_gb" {
  description = "Initial disk size; it grows automatically."
  type        = number
}

variable "disk_limit_gb" {
  description = "Maximum disk size, to limit the cost."
  type        = number
}

variable "max_connections" {
  description = "max_connections, as checked by the connection budget."
  type        = number
}

variable "retained_backups" {
  description = "Number of daily backups to keep."
  type        = number
}

variable "backup_location" {
  description = "Location of backups; a multi-region survives the loss of one region."
  type        = string
}
