variable "prefix" {
  description = "Name of the key ring."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "project_number" {
  description = "Project number: part of the address of Cloud Storage's service agent."
  type        = string
}

variable "region" {
  description = "Location of objects and their key."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket, globally unique."
  type        = string
}

variable "noncurrent_days" {
  description = "Days for which overwritten or deleted objects can be restored."
  type        = number
}

variable "origins" {
  description = "Origins of pages that upload directly."
  type        = list(string)
}

variable "users" {
  description = "Account of each function that stores objects."
  type        = map(string)
}
