variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "project_number" {
  description = "Project number: part of the address of Pub/Sub's service agent."
  type        = string
}

variable "regions" {
  description = "Region in which messages are stored."
  type        = list(string)
}

variable "listeners" {
  description = "Address of each function that subscribes to events."
  type        = map(object({ url = string }))
}

variable "relay_url" {
  description = "Address of the relay."
  type        = string
}

variable "relay_account" {
  description = "Address of the relay's account."
  type        = string
}

variable "push_account" {
  description = "Id of the service account for push requests."
  type        = string
}

variable "audience" {
  description = "Audience of the tokens of push requests."
  type        = string
}

variable "max_delivery_attempts" {
  description = "Delivery attempts before an event becomes a dead letter, up to 10 minutes apart."
  type        = number
}
