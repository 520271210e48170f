output "instance_ip" {
  description = "The machine's address."
  value       = local.address
}

output "ssh_host_key" {
  description = "The machine's public SSH key, known before the machine boots."
  value       = local.host_key
}
