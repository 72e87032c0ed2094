"""What privacy costs and how much a change may weigh: arithmetic that both sides share."""
