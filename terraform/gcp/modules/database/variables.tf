variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "network" {
  description = "Id of the private network."
  type        = string
}

variable "address_range" {
  description = "Name of the range that was set aside for it."
  type        = string
}

variable "peering" {
  description = "Id of the connection with Google's network: the instance comes after it."
  type        = string
}

variable "database" {
  description = "Name of the database."
  type        = string
}

variable "tier" {
  description = "Size of the machine."
  type        = string
}

variable "highly_available" {
  description = "Whether a second machine in another zone takes over when this one fails."
  type        = bool
}

variable "disk_gb" {
  description = "Size at the beginning; it grows by itself."
  type        = number
}

variable "disk_limit_gb" {
  description = "How far it grows: a runaway must cost no more."
  type        = number
}

variable "max_connections" {
  description = "What the budget was checked against."
  type        = number
}

variable "retained_backups" {
  description = "How many daily backups are kept."
  type        = number
}

variable "backup_location" {
  description = "Where backups are kept: a place of several regions survives the loss of one."
  type        = string
}
