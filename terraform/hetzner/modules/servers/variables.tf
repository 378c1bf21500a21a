variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "location" {
  description = "Location of servers and volume."
  type        = string
}

variable "image" {
  description = "Operating system; cloud-init expects Ubuntu's packages."
  type        = string
}

variable "servers" {
  description = "Type and roles of each server."
  type = map(object({
    type  = string
    roles = set(string)
  }))
}

variable "addresses" {
  description = "Private address of each server."
  type        = map(string)
}

variable "cloud_init" {
  description = "cloud-init configuration of each server."
  type        = map(string)
}

variable "network" {
  description = "Id of the private network."
  type        = number
}

variable "firewall" {
  description = "Id of the firewall."
  type        = number
}

variable "ssh_keys" {
  description = "SSH public keys by operator."
  type        = map(string)
}

variable "data_gb" {
  description = "Size of the volume with the database."
  type        = number
}
