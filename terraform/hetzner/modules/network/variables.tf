variable "name" {
  description = "Name of network and firewall."
  type        = string
}

variable "zone" {
  description = "Network zone of the locations in use."
  type        = string
}

variable "range" {
  description = "Private addresses."
  type        = string
}

variable "admin_addresses" {
  description = "Ranges from which operators come by SSH; none: nobody does."
  type        = list(string)
}
