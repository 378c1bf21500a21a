variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region of the functions."
  type        = string
}

variable "functions_range" {
  description = "Addresses of function instances; /24 is enough for about 60 instances."
  type        = string
}
