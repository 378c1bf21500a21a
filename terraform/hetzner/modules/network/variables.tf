variable "name" {
  description = "Name of network and firewall."
  type        = string
}

variable "zone" {
  description = "Network zone of the locations in use."
  type        = string
}

variable "range" {
  description = "Private address range."
  type        = string
}

variable "admin_addresses" {
  description = "Address ranges with SSH access; empty: no access."
  type        = list(string)
}
