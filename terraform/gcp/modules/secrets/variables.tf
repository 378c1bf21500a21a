variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region in which secrets are stored."
  type        = string
}

variable "secrets" {
  description = "Accounts that may read each secret."
  type        = map(set(string))
}

variable "accounts" {
  description = "Addresses of the service accounts."
  type        = map(string)
}
