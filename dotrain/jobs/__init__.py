"""Jobs: what runs on a cluster, as Kubernetes' own Jobs."""
