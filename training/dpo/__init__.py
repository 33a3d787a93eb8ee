"""Preference tuning: pairs of the tuned model's own answers, judged by rules, and the DPO loss over them."""
