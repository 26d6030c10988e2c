"""Ray, Dask and Kubeflow Trainer in a cluster, each by its own operator and client library."""
