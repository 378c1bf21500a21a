variable "name" {
  description = "Begins every name."
  type        = string
}

variable "location" {
  description = "Where the machines and the volume are."
  type        = string
}

variable "image" {
  description = "Operating system; cloud-init expects Ubuntu's packages."
  type        = string
}

variable "servers" {
  description = "Name to its type and what it does."
  type = map(object({
    type  = string
    roles = set(string)
  }))
}

variable "addresses" {
  description = "Name to its private address."
  type        = map(string)
}

variable "cloud_init" {
  description = "Name to its first instructions."
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
  description = "Operator to public key."
  type        = map(string)
}

variable "data_gb" {
  description = "Size of the volume with the database."
  type        = number
}
