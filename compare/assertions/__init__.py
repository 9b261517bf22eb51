"""`assert_gradients_agree` and its pytest fixture."""
