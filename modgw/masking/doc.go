// Package masking shows descriptors, and texts of their apps, without secrets.
package masking
